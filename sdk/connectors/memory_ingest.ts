/**
 * A broker inside one process: the reference implementation of the contracts
 * of ingest, for tests and for embedding.
 *
 * @example Usage
 * ```ts
 * import { MemoryBroker } from "@transporter/sdk/memory-ingest";
 * import { strictEqual } from "node:assert/strict";
 *
 * const broker = new MemoryBroker();
 * const data = new TextEncoder().encode("{}");
 * await broker.publisher().publish({ id: "e1", headers: {}, data });
 * const over = new AbortController();
 * await broker.consumer().consume((delivery) => {
 *   strictEqual(delivery.deliveries, 1);
 *   over.abort();
 *   return Promise.resolve({ outcome: "taken" });
 * }, { signal: over.signal });
 * strictEqual(broker.waiting, 0);
 * ```
 *
 * @module
 */
import {
  type Clock,
  type Consumer,
  type ErrorBody,
  type IngestHandler,
  type IngestMessage,
  type IngestVerdict,
  type NewMessage,
  type Publisher,
  systemClock,
  TransporterError,
} from "../mod.ts";

/** Messages that are delivered and have no verdict yet, at most. */
const UNDER_WAY_MAX = 256;

/** A message at the broker. */
export interface MemoryMessage extends NewMessage {
  /** Its name. */
  readonly key: string;
  /** When it was published. */
  readonly at: number;
  /** How often it was delivered. */
  deliveries: number;
}

/** A message that was refused. */
export interface Quarantined extends IngestMessage {
  /** The name it was delivered under. */
  readonly key: string;
  /** Why. */
  readonly error: ErrorBody;
}

/** A broker that forgets everything at its end. */
export class MemoryBroker {
  /** What was refused, in its order. */
  readonly quarantine: Quarantined[] = [];
  readonly #clock: Clock;
  readonly #ids = new Set<string>();
  readonly #waiting: MemoryMessage[] = [];
  readonly #consumers = new Set<MemoryConsumer>();
  #published = 0;
  #fault: TransporterError | undefined;

  /** Makes one without messages. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** How many messages wait to be delivered. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** An end for producers. */
  publisher(): Publisher {
    return {
      // deno-lint-ignore require-await -- a refusal must reject, not throw
      publish: async (message) => {
        if (this.#fault !== undefined) throw this.#fault;
        if (this.#ids.has(message.id)) return;
        this.#ids.add(message.id);
        const key = `memory.${++this.#published}`;
        this.put({ ...message, key, at: this.#clock.now(), deliveries: 0 });
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /**
   * An end for a control plane.
   *
   * @throws {TransporterError} `unavailable` while it is broken.
   */
  consumer(): Consumer {
    if (this.#fault !== undefined) throw this.#fault;
    const consumer = new MemoryConsumer(this, this.#clock);
    this.#consumers.add(consumer);
    return consumer;
  }

  /** Breaks it, or repairs it with `undefined`: consumers end, and no more are opened until then. */
  break(fault: TransporterError | undefined): void {
    this.#fault = fault;
    if (fault === undefined) return;
    for (const consumer of this.#consumers) consumer.fail(fault);
    this.#consumers.clear();
  }

  /** Takes the next message. */
  take(): (MemoryMessage & { readonly pending: number }) | undefined {
    const entry = this.#waiting.shift();
    if (entry === undefined) return undefined;
    entry.deliveries++;
    return { ...entry, pending: this.#waiting.length };
  }

  /** Puts a message at its place: the first come, first served. */
  put(entry: MemoryMessage): void {
    this.#waiting.push(entry);
    this.#waiting.sort((a, b) => order(a) - order(b));
    for (const consumer of this.#consumers) consumer.wake();
  }
}

function order({ key }: Pick<MemoryMessage, "key">): number {
  return Number(key.split(".")[1]);
}

class MemoryConsumer implements Consumer {
  readonly #broker: MemoryBroker;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #wake = () => {};

  constructor(broker: MemoryBroker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  wake(): void {
    this.#wake();
  }

  fail(fault: TransporterError): void {
    this.#ended.abort(fault);
  }

  async consume(
    handle: IngestHandler,
    { signal, idle = () => {} }: {
      readonly signal: AbortSignal;
      readonly idle?: () => void;
    },
  ): Promise<void> {
    const over = AbortSignal.any([signal, this.#ended.signal]);
    over.addEventListener("abort", () => this.#wake());
    while (!over.aborted) {
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      const entry = this.#underWay.size < UNDER_WAY_MAX
        ? this.#broker.take()
        : undefined;
      if (entry === undefined) {
        if (this.#underWay.size === 0) idle();
        if (!over.aborted) await woken.promise;
        continue;
      }
      const done: Promise<void> = this.#judge(entry, handle).finally(() => {
        this.#underWay.delete(done);
        this.#wake();
      });
      this.#underWay.add(done);
    }
    await Promise.all(this.#underWay);
    if (!signal.aborted) throw this.#ended.signal.reason;
  }

  async #judge(
    { pending, ...entry }: MemoryMessage & { readonly pending: number },
    handle: IngestHandler,
  ): Promise<void> {
    const { id: _, ...message } = entry;
    let verdict: IngestVerdict;
    try {
      verdict = await handle({ ...message, pending });
    } catch {
      verdict = { outcome: "later", delayMs: 0 };
    }
    if (this.#ended.signal.aborted) return this.#broker.put(entry); // too late to say so
    if (verdict.outcome === "refused") {
      const { key, headers, data } = entry;
      const { error } = verdict;
      this.#broker.quarantine.push({ key, headers, data, error });
    } else if (verdict.outcome === "later") {
      const { delayMs } = verdict;
      // Not waited for: the consumer may end meanwhile, and another one gets it.
      this.#clock.sleep(delayMs).then(() => this.#broker.put(entry));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.fail(
      new TransporterError("unavailable", "Cannot consume: it is closed"),
    );
    return Promise.resolve();
  }
}
