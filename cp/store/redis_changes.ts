/**
 * Changes of events: read, decided here, and written if nobody was faster.
 *
 * @module
 */
import { type Clock, isTerminal, TransporterError } from "@transporter/sdk";
import { changeRecord, checkGeneration } from "./record.ts";
import { RecordCache } from "./redis_cache.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { entryLine } from "./redis_history.ts";
import type { Names } from "./redis_names.ts";
import {
  EVENT_FIELDS,
  readEvent,
  type Versioned,
  writeWords,
} from "./redis_rows.ts";
import type { EventChange, EventRecord, Fence } from "./store.ts";

/** How a change came out. */
export type Changed =
  | { readonly record: EventRecord; readonly changed: boolean }
  | undefined;

/** Changes of one event that go together. */
const TOGETHER_MAX = 64;

/** How often somebody else may be faster before it is given up; each time, somebody's change was written. */
const TRIES_MAX = 1000;

interface Step {
  readonly decide: (record: EventRecord) => EventChange | undefined;
  readonly fence: Fence | undefined;
  resolve(changed: Changed): void;
  reject(reason: unknown): void;
  /** How it comes out if what it was decided on is still so. */
  outcome: Changed;
  /** Set when it was refused instead. */
  refusal: { readonly reason: unknown } | undefined;
}

/** What steps make of a record together. */
interface Decided {
  /** What the script writes: the record, and its entries. */
  readonly words: readonly string[];
  /** The record after the last of them. */
  readonly last: EventRecord | undefined;
  readonly sid: string;
}

/** Options of {@linkcode Changes}. */
export interface ChangesOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** What things are called there. */
  readonly names: Names;
  /** What stamps changes. */
  readonly clock: Clock;
}

/**
 * Changes events. Those of one event stand in a lane: what comes while some are
 * on their way goes together afterwards, each decided on what the one before
 * it makes.
 */
export class Changes {
  /** What this process last saw of events. */
  readonly seen: RecordCache = new RecordCache();
  readonly #options: ChangesOptions;
  /** Those that wait, by the key of their event. */
  readonly #lanes = new Map<string, Step[]>();

  /** Changes nothing yet. */
  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** As {@linkcode Store.changeEvent} says. */
  change(
    tenant: string,
    id: string,
    { decide, fence }: Pick<Step, "decide" | "fence">,
  ): Promise<Changed> {
    const key = this.#options.names.event(tenant, id);
    return new Promise((resolve, reject) => {
      const step = {
        ...{ decide, fence, resolve, reject },
        outcome: undefined,
        refusal: undefined,
      };
      const lane = this.#lanes.get(key);
      if (lane) lane.push(step);
      else {
        this.#lanes.set(key, [step]);
        this.#run(tenant, id);
      }
    });
  }

  /** The record as Redis has it. */
  async read(tenant: string, id: string): Promise<Versioned | undefined> {
    const { redis, names } = this.#options;
    const reply = await redis.ask(
      "HMGET",
      names.event(tenant, id),
      ...EVENT_FIELDS,
    );
    return readEvent(tenant, reply);
  }

  /** Does all that waits in a lane. Never rejects. */
  async #run(tenant: string, id: string): Promise<void> {
    const key = this.#options.names.event(tenant, id);
    const lane = this.#lanes.get(key) ?? [];
    while (lane.length > 0) {
      const steps: Step[] = [];
      try {
        await this.#together(tenant, id, { lane, steps });
      } catch (reason) {
        this.seen.set(key, undefined); // nobody knows what was written
        for (const { reject } of steps) reject(reason);
      }
    }
    this.#lanes.delete(key);
  }

  /**
   * Takes steps out of a lane as late as it can, decides them one after the
   * other, and has them written at once; again while somebody else is faster.
   */
  async #together(
    tenant: string,
    id: string,
    { lane, steps }: { readonly lane: Step[]; readonly steps: Step[] },
  ): Promise<void> {
    take(lane, steps); // at least one: they are refused with it if it cannot be read
    const { redis, names } = this.#options;
    const key = names.event(tenant, id);
    let base = this.seen.get(key) ?? await this.read(tenant, id);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      let last = base?.record;
      const fence = steps[0]?.fence;
      const reply = await redis.stepLater("lenient", "change", () => {
        take(lane, steps);
        const decided = this.#decide(base?.record, steps);
        last = decided.last;
        return [
          names.tenant(tenant),
          id,
          fence?.agent ?? "",
          String(fence?.gen ?? ""),
          decided.sid,
          base?.version ?? "",
          ...decided.words,
        ];
      });
      if (reply[0] === "superseded" && fence) {
        checkGeneration({ id: fence.agent, gen: Number(reply[1]) }, fence.gen);
      }
      if (reply[0] === "stale" || reply[0] === "none" && base) {
        base = readEvent(tenant, reply[1]);
        continue;
      }
      const version = String(reply[1]);
      const isOpen = last && !isTerminal(last.state);
      const seen = last && isOpen ? { record: last, version } : undefined;
      this.seen.set(key, seen);
      for (const { refusal, outcome, resolve, reject } of steps) {
        if (refusal) reject(refusal.reason);
        else resolve(outcome);
      }
      return;
    }
    throw new TransporterError(
      "store_unavailable",
      `Cannot change the event "${id}" as others were faster ${TRIES_MAX} times`,
    );
  }

  /** Decides steps, each on what the one before it makes, and notes in them how they come out. */
  #decide(base: EventRecord | undefined, steps: readonly Step[]): Decided {
    const at = this.#options.clock.now();
    const lines: string[] = [];
    let replaces = false;
    let last = base;
    let sid = 0;
    for (const step of steps) {
      let change: EventChange | undefined;
      step.refusal = undefined;
      try {
        change = last && step.decide(last);
      } catch (reason) {
        step.refusal = { reason };
        continue;
      }
      if (last && change) {
        // One that this very step would add is left out.
        if (change.replaces && lines.pop() === undefined) replaces = true;
        last = changeRecord(last, change, { at });
        lines.push(entryLine(last.revision, change));
      }
      sid = Math.max(sid, step.fence?.sid ?? 0);
      step.outcome = last && { record: last, changed: change !== undefined };
    }
    const words = base && last && last !== base
      ? writeWords(last, base, { replaces, lines })
      : [];
    return { words, last, sid: sid > 0 ? String(sid) : "" };
  }
}

/** Moves steps of one session from a lane to those that go together. */
function take(lane: Step[], steps: Step[]): void {
  while (
    lane[0] && steps.length < TOGETHER_MAX &&
    sameSession(lane[0].fence, (steps[0] ?? lane[0]).fence)
  ) steps.push(lane.shift()!);
}

function sameSession(one: Fence | undefined, other: Fence | undefined) {
  return one?.agent === other?.agent && one?.gen === other?.gen;
}
