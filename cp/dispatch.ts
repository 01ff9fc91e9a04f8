import {
  type Clock,
  type EventFrame,
  formatTime,
  fullJitter,
  type Link,
  type Logger,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import { isReleased } from "./life.ts";
import type { Recorder } from "./recorder.ts";
import type { EventRecord, ReleasedEvent, Store } from "./store/store.ts";

/** Bytes of bodies that one agent may have at a time (security.md E.8). */
const WINDOW_BYTES_MAX = 16 * 1024 * 1024;

/** Bytes that wait to be written, beyond which no further event is. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

/** The longest that an agent may have nothing sent to it at its own request, in milliseconds. */
const HOLD_MS_MAX = 3600_000;

/** The shortest, so that an agent which refuses everything does not fill its events' histories. */
const HOLD_MS_MIN = 1000;

/** How long to wait when the store does not answer. */
const RETRY = { initialMs: 200, maxMs: 5000 };

/** A session that events go to. */
export interface DispatchTarget {
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** The session's generation. */
  readonly gen: number;
  /** The version of the link. */
  readonly version: 1 | 2;
  /** How many events the agent may have at a time. */
  readonly window: number;
  /** Where events go. */
  readonly link: Link;
  /** Ends the session, as nothing can be sent on it any more; what is released goes to the next one. */
  readonly failed: (error: TransporterError) => void;
}

/** Options of {@linkcode Dispatch}. */
export interface DispatchOptions {
  /** Where released events are read. */
  readonly store: Store;
  /** Who releases. */
  readonly recorder: Recorder;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** For what goes wrong. */
  readonly log: Logger;
}

/** Sends events to one session; made by `Dispatcher.open`. */
export class Dispatch {
  readonly #target: DispatchTarget;
  readonly #options: DispatchOptions;
  /** Released and not ended: the window. */
  readonly #held = new Map<string, { readonly bytes: number }>();
  /** Of those, the ones still to be sent on this link. */
  #unsent: ReleasedEvent[] = [];
  /** Of those, the ones that were sent on this link. */
  readonly #sent = new Set<string>();
  /** Events that left the window while the store was asked, with their revisions. */
  #left = new Map<string, number>();
  #unacknowledged = 0;
  #bytes = 0;
  /** Grows when something may have come into the queue; what it was when the queue was seen empty. */
  #queueVersion = 0;
  #emptyVersion = -1;
  #holdUntil = 0;
  #woken = false;
  #wake: (() => void) | undefined;
  #storeFailures = 0;
  readonly #over = new AbortController();

  /** Makes a dispatch that has sent nothing. */
  constructor(target: DispatchTarget, options: DispatchOptions) {
    this.#target = target;
    this.#options = options;
    target.link.closed.then(() => {
      this.#over.abort();
      this.#wakeUp();
    });
  }

  /** The lowest `seq` that will be sent; `undefined` when nothing is sent again. */
  get seqMin(): number | undefined {
    return this.#unsent[0]?.record.seq;
  }

  /** Reads what was released before this session; for the dispatcher, once. */
  async load(): Promise<void> {
    const { tenant, agent } = this.#target;
    this.#add(await this.#options.store.listReleased(tenant, agent));
  }

  /** An event of this agent changed; for the dispatcher. */
  changed({ spec: { id }, state, revision }: EventRecord): void {
    if (isReleased(state)) return;
    this.#left.set(id, revision);
    const wasHeld = this.#remove(id);
    if (state === "queued" || !wasHeld) this.#queueVersion++;
    this.#wakeUp();
  }

  /** Sends until the link ends; resolves when all it began to write is written. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      this.#woken = false;
      this.#left.clear();
      this.#sendAll();
      if (this.#mayRelease()) await this.#release();
      else await this.#untilWoken();
    }
    while (this.#unacknowledged > 0) {
      this.#woken = false;
      await this.#untilWoken();
    }
  }

  async #untilWoken(): Promise<void> {
    if (this.#woken) return;
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  #wakeUp(): void {
    this.#woken = true;
    this.#wake?.();
  }

  #add(released: readonly ReleasedEvent[]): void {
    for (const item of released) {
      const { spec: { id }, bytes, revision } = item.record;
      if ((this.#left.get(id) ?? 0) > revision) continue;
      this.#held.set(id, { bytes });
      this.#bytes += bytes;
      this.#unsent.push(item);
    }
  }

  #remove(id: string): boolean {
    this.#bytes -= this.#held.get(id)?.bytes ?? 0;
    this.#sent.delete(id);
    return this.#held.delete(id);
  }

  #mayRelease(): boolean {
    return this.#unsent.length === 0 &&
      this.#held.size < this.#target.window &&
      this.#bytes < WINDOW_BYTES_MAX &&
      this.#queueVersion !== this.#emptyVersion &&
      this.#options.clock.monotonic() >= this.#holdUntil;
  }

  async #release(): Promise<void> {
    const { tenant, agent, gen, window } = this.#target;
    const version = this.#queueVersion;
    try {
      const released = await this.#options.recorder.release(tenant, {
        agent,
        gen,
        eventsMax: window - this.#held.size,
        bytesMax: WINDOW_BYTES_MAX - this.#bytes,
      });
      this.#storeFailures = 0;
      if (released.length === 0) this.#emptyVersion = version;
      this.#add(released);
    } catch (reason) {
      await this.#failed(TransporterError.from(reason));
    }
  }

  /** The store cannot release now: this session waits, unless it is not the agent's any more. */
  async #failed(error: TransporterError): Promise<void> {
    const { log, clock, rng } = this.#options;
    if (error.code !== "store_unavailable") return this.#target.failed(error);
    log.warn("Cannot release events", { error });
    const ms = fullJitter(this.#storeFailures++, rng, RETRY);
    const { signal } = this.#over;
    // Aborted means that the link has ended, which the loop sees.
    await clock.sleep(ms, { signal }).catch(() => {});
  }

  #sendAll(): void {
    const { version, link } = this.#target;
    while (this.#unsent.length > 0) {
      // A v1 agent gets the next event when the last one has ended.
      if (version === 1 && this.#sent.size > 0) return;
      // Every acknowledgement wakes the loop.
      const busy = link.bufferedBytes > BUFFERED_BYTES_MAX;
      if (busy && this.#unacknowledged > 0) return;
      const next = this.#unsent.shift();
      if (next !== undefined && this.#held.has(next.spec.id)) this.#send(next);
    }
  }

  async #send({ record, spec }: ReleasedEvent): Promise<void> {
    this.#sent.add(spec.id);
    this.#unacknowledged++;
    try {
      await this.#target.link.send(this.#frameOf({ record, spec }));
    } catch (reason) {
      await this.#refused(record, TransporterError.from(reason));
    } finally {
      this.#unacknowledged--;
      this.#wakeUp();
    }
  }

  #frameOf({ record, spec }: ReleasedEvent): EventFrame {
    if (this.#target.version === 1) return { type: "event", event: spec };
    return {
      type: "event",
      ...(record.seq === undefined ? {} : { seq: record.seq }),
      attempt: record.attempt,
      deadline: formatTime(record.deadline),
      event: spec,
    };
  }

  async #refused(record: EventRecord, error: TransporterError): Promise<void> {
    const after = error.details?.["retry_after_ms"];
    if (after === undefined && error.code !== "too_large") {
      // Not the agent's word: the link broke, or is too slow. The next one gets the event again.
      return this.#target.failed(error);
    }
    const { agent, gen } = this.#target;
    const again = typeof after === "number";
    if (again) this.#hold(after);
    try {
      const fence = { agent, gen };
      await this.#options.recorder.refused(record, { error, again, fence });
    } catch (reason) {
      this.#target.failed(TransporterError.from(reason));
    }
  }

  /** Sends nothing for a while. */
  #hold(ms: number): void {
    const { clock } = this.#options;
    const holdMs = Math.min(HOLD_MS_MAX, Math.max(HOLD_MS_MIN, ms));
    this.#holdUntil = Math.max(this.#holdUntil, clock.monotonic() + holdMs);
    clock.sleep(holdMs, { signal: this.#over.signal }).then(
      () => this.#wakeUp(),
      () => {}, // the link has ended
    );
  }
}
