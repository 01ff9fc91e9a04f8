import {
  type Clock,
  deadline,
  type Logger,
  Queue,
  TransporterError,
} from "@transporter/sdk";
import type { ApiClient } from "./client.ts";
import { type Deed, type KubeEvent, kubeEventOf } from "./kube_event.ts";

/** Events that wait to be written; what comes when there are more is dropped. */
const WAITING_MAX = 500;

/** How many may be written at once, and how many a second after that: what people read, and no load. */
const BURST = 25;
const PER_SECOND = 10;

/** How long it is not tried again where it was forbidden, in milliseconds. */
const PAUSE_MS = 600_000;

/** Places that are remembered for it. */
const PLACES_MAX = 500;

/** How long one write may take, and how long what waits is still written at the end, in milliseconds. */
const WRITE_MS = 5_000;
const FLUSH_MS = 1_000;

/** How often a line says at most that some were dropped, in milliseconds. */
const TELL_MS = 60_000;

/** What is to be written, and as whom. */
interface Waiting extends KubeEvent {
  readonly client: ApiClient;
  /** Where it may be forbidden: an identity, and a namespace. */
  readonly place: string;
}

/** What {@linkcode Recorder} needs. */
export interface RecorderOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
  /** The agent's id, where it is known. */
  readonly agent: string | undefined;
}

/**
 * Writes Events that say in the cluster which event has changed an object.
 * Best effort: nobody waits for it and nothing fails by it; few a second are
 * written, and what comes too fast, or cannot be written, is dropped.
 */
export class Recorder implements AsyncDisposable {
  readonly #options: RecorderOptions;
  readonly #queue = new Queue<Waiting>(WAITING_MAX);
  /** Nothing is waited for any more; nothing is written any more. */
  readonly #hurry = new AbortController();
  readonly #end = new AbortController();
  /** When it was found forbidden, by place; in the order of the times. */
  readonly #forbidden = new Map<string, number>();
  #running: Promise<void> | undefined;
  #left = BURST;
  #filledAt: number;
  #dropped = 0;
  #toldAt = -Infinity;
  #warnedAt = -Infinity;

  /** Makes one that has nothing to write yet. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#filledAt = options.clock.monotonic();
  }

  /**
   * Takes note of what was done to an object. Returns at once, and never throws.
   *
   * @param deed What was done.
   * @param client Sends as whoever did it.
   */
  note(deed: Deed, client: ApiClient): void {
    const { clock, agent } = this.#options;
    const { object, options } = deed;
    const place = `${JSON.stringify(options.as)} ${object.namespace}`;
    if (this.#isForbidden(place)) return;
    if (this.#queue.length >= WAITING_MAX) {
      this.#dropped++;
      return;
    }
    const event = kubeEventOf(deed, { agent, now: clock.now() });
    this.#queue.push({ ...event, client, place });
    this.#running ??= this.#run();
  }

  /** Writes what waits, for a moment, and drops the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#options;
    this.#hurry.abort();
    this.#queue.close();
    using flush = deadline(clock, FLUSH_MS, {
      reason: new DOMException("The agent ends", "AbortError"),
    });
    flush.signal.addEventListener("abort", () => this.#end.abort(), {
      once: true,
    });
    await this.#running;
    this.#tell(0);
  }

  async #run(): Promise<void> {
    for await (const waiting of this.#queue) {
      await this.#turn();
      if (this.#end.signal.aborted) this.#dropped++;
      else if (!this.#isForbidden(waiting.place)) await this.#write(waiting);
      this.#tell(this.#queue.length === 0 ? 0 : TELL_MS);
    }
  }

  /** Waits until one more may be written; at the end nothing is waited for. */
  async #turn(): Promise<void> {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const filled = (now - this.#filledAt) / 1000 * PER_SECOND;
    this.#left = Math.min(BURST, this.#left + filled) - 1;
    this.#filledAt = now;
    if (this.#left >= 0) return;
    const pauseMs = -this.#left / PER_SECOND * 1000;
    await clock.sleep(pauseMs, { signal: this.#hurry.signal }).catch(() => {});
  }

  async #write({ client, namespace, body, place }: Waiting): Promise<void> {
    const { clock, log } = this.#options;
    using limit = deadline(clock, WRITE_MS, {
      reason: new TransporterError("timeout", "Cannot write an Event in time"),
      signal: this.#end.signal,
    });
    let isKnown = false;
    try {
      await client.call({
        method: "POST",
        path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
        contentType: "application/json",
        body,
      }, {
        doing: `write an Event in namespace "${namespace}"`,
        signal: limit.signal,
        until: 0, // once
        ungated: true, // what we say for ourselves
        review(verdict) {
          // It is there, or it went with its namespace.
          isKnown = verdict.exists === true ||
            verdict.missing === "namespace" ||
            verdict.code === "conflict";
          return verdict;
        },
      });
    } catch (reason) {
      if (isKnown) return;
      const error = TransporterError.from(reason);
      if (error.code === "denied" || error.code === "unknown_kind") {
        this.#forbid(place, error);
      } else {
        this.#dropped++;
        log.debug("Kubernetes Event was not written", { error });
      }
    }
  }

  #isForbidden(place: string): boolean {
    const at = this.#forbidden.get(place) ?? -Infinity;
    return this.#options.clock.monotonic() - at < PAUSE_MS;
  }

  /** Nothing is written there for a while, which one line says. */
  #forbid(place: string, error: TransporterError): void {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    this.#forbidden.delete(place);
    this.#forbidden.set(place, now);
    const [oldest] = this.#forbidden.keys();
    if (this.#forbidden.size > PLACES_MAX && oldest !== undefined) {
      this.#forbidden.delete(oldest);
    }
    if (now - this.#warnedAt < PAUSE_MS) return;
    this.#warnedAt = now;
    log.warn("Kubernetes Events cannot be written, and are left out for now", {
      error,
      minutes: PAUSE_MS / 60_000,
    });
  }

  /** One line about what was dropped, unless there was one just now. */
  #tell(pauseMs: number): void {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    if (this.#dropped === 0 || now - this.#toldAt < pauseMs) return;
    log.info("Kubernetes Events were dropped", { count: this.#dropped });
    this.#dropped = 0;
    this.#toldAt = now;
  }
}
