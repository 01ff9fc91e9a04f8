import { TransporterError } from "@transporter/sdk";
import { openNatsPublisher } from "@transporter/sdk/nats-ingest";
import type { Submit } from "../history/entry.ts";
import type { Random } from "../sim/random.ts";
import { delay } from "./delay.ts";
import type { PlannedEvent } from "./events.ts";
import type { Scribe } from "./scribe.ts";

/** Options of {@linkcode Producer}. */
export interface ProducerOptions {
  /** Where the control plane is, through a link. */
  readonly url: string;
  /** What is submitted, by its time. */
  readonly events: readonly PlannedEvent[];
  /** When the run started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** What decides how long it waits. */
  readonly random: Random;
  /** Where every call is written down. */
  readonly scribe: Scribe;
  /** Where some of the events are handed to a NATS server instead, through a link. */
  readonly broker?: string | undefined;
}

/** How many events go by the broker, where there is one. */
const HANDED = 0.3;

/** Calls that are under way at the same time. */
const CALLS_MAX = 24;

/** Milliseconds after which a call is given up, and nobody knows what became of it. */
const CALL_MS_MAX = 4000;

/** How many of those that were accepted are submitted again, out of the blue. */
const AGAIN = 0.03;

/**
 * Submits events over HTTP, each at its time, and again with the same id while
 * it is not known whether it was accepted.
 */
export class Producer {
  readonly #options: ProducerOptions;
  /** What was accepted, in that order. */
  readonly accepted: PlannedEvent[] = [];
  /** What was refused for good, and why: nothing, if all is well. */
  readonly refused: string[] = [];

  /** Makes a producer. */
  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Submits everything; resolves when all of it is accepted or refused, or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { events, startedAt } = this.#options;
    let next = 0;
    const lane = async () => {
      while (!signal.aborted) {
        const event = events[next++];
        if (event === undefined) return;
        await delay(startedAt + event.atMs - Date.now(), signal);
        await this.#submit(event, signal);
      }
    };
    await Promise.all(Array.from({ length: CALLS_MAX }, lane));
  }

  async #submit(event: PlannedEvent, signal: AbortSignal): Promise<void> {
    const { random, broker } = this.#options;
    const isHanded = broker !== undefined && random.chance(HANDED);
    if (isHanded) return await this.#hand(event, broker, signal);
    while (!signal.aborted) {
      const outcome = await this.#call(event);
      if (outcome === "fail") return;
      if (outcome === "ok") break;
      await delay(random.between(50, 800), signal);
    }
    if (signal.aborted) return;
    this.accepted.push(event);
    if (random.chance(AGAIN)) await this.#call(event);
  }

  /** Hands one to the broker, until that says that it has it; nobody knows when the control plane takes it. */
  async #hand(
    event: PlannedEvent,
    broker: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { random, scribe } = this.#options;
    const { facts } = event;
    while (!signal.aborted) {
      const at = Date.now();
      let isTaken = false;
      try {
        await using publisher = await openNatsPublisher(new URL(broker), {
          signal: AbortSignal.timeout(CALL_MS_MAX),
          tenant: "default",
        });
        await publisher.publish({
          id: facts.event,
          headers: {},
          data: new TextEncoder().encode(JSON.stringify(bodyOf(event))),
        });
        isTaken = true;
      } catch (error) {
        if (!(error instanceof TransporterError) && !isBreak(error)) {
          throw error;
        }
      }
      const end = Date.now();
      scribe.write({ kind: "submit", at, end, ...facts, outcome: "unknown" });
      if (isTaken) {
        scribe.write({ kind: "handed", at: end, event: facts.event });
        this.accepted.push(event);
        return;
      }
      await delay(random.between(50, 800), signal);
    }
  }

  /** One call, written down with its outcome. */
  async #call(event: PlannedEvent): Promise<Submit["outcome"]> {
    const at = Date.now();
    let outcome: Submit["outcome"] = "unknown";
    try {
      outcome = await this.#post(event);
    } catch (error) {
      // Whatever broke it off, the event may be there or not. Nothing else is caught here.
      if (!isBreak(error)) throw error;
    }
    this.#options.scribe.write({
      kind: "submit",
      at,
      end: Date.now(),
      ...event.facts,
      outcome,
    });
    return outcome;
  }

  async #post(event: PlannedEvent): Promise<Submit["outcome"]> {
    const answer = await fetch(`${this.#options.url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(bodyOf(event)),
      signal: AbortSignal.timeout(CALL_MS_MAX),
    });
    const body = await answer.text();
    if (answer.status === 202) return "ok";
    // It may be tried again: too slow, too much, or not now.
    if ([408, 429].includes(answer.status) || answer.status >= 500) {
      return "unknown";
    }
    this.refused.push(`${event.facts.event}: ${answer.status} ${body}`);
    return "fail";
  }
}

function bodyOf({ facts, payload, retry }: PlannedEvent): object {
  return {
    id: facts.event,
    type: "witness",
    target_agent: facts.agent,
    priority: facts.priority,
    ttl: facts.ttlMs * 1e6,
    payload,
    ...(retry === undefined ? {} : { retry }),
  };
}

/** Whether an error of `fetch` says that the connection broke, or that it took too long. */
export function isBreak(error: unknown): boolean {
  return error instanceof TypeError ||
    error instanceof DOMException && error.name === "TimeoutError";
}
