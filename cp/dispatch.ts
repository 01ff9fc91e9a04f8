import {
  type Clock,
  fullJitter,
  IN_TIME,
  type Logger,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import { Alarm } from "./alarm.ts";
import { type Backlog, Questions } from "./backlog.ts";
import { Holds } from "./holds.ts";
import { isReleased } from "./life.ts";
import type { Recorder } from "./recorder.ts";
import { releasedTo } from "./released.ts";
import { type Attempt, Sending, type SendingTarget } from "./sending.ts";
import type { EventRecord, ReleasedEvent, Store } from "./store/store.ts";
import { Window, type WindowLimits } from "./window.ts";

/** How long to wait when the store does not answer. */
const RETRY = { initialMs: 200, maxMs: 5000 };

/** A session that events go to. */
export interface DispatchTarget extends SendingTarget {
  /** Whose agent it is. */
  readonly tenant: string;
  /** How much the agent may have at a time. */
  readonly window: WindowLimits;
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

/** Sends events to one session, and says which are not wanted any more; made by `Dispatcher.open`. */
export class Dispatch {
  readonly #target: DispatchTarget;
  readonly #options: DispatchOptions;
  readonly #window: Window;
  readonly #sending: Sending;
  readonly #alarm: Alarm;
  /** Grows when something may have come into the queue; what it was when the queue was seen empty. */
  #queueVersion = 0;
  #emptyVersion = -1;
  readonly #holds: Holds;
  #woken = false;
  #wake: (() => void) | undefined;
  #storeFailures = 0;
  /** Whether the store may have changed something although it said that it cannot. */
  #doubtful = false;
  /** Events that have changed elsewhere since it looked. */
  readonly #touched = new Set<string>();
  /** Whether it may also have changed without a word to anybody here. */
  #missed = false;
  readonly #questions: Questions;
  readonly #over = new AbortController();

  /** Makes a dispatch that has sent nothing. */
  constructor(target: DispatchTarget, options: DispatchOptions) {
    this.#target = target;
    this.#options = options;
    this.#window = new Window(target.window);
    this.#sending = new Sending({
      target,
      recorder: options.recorder,
      hold: (ms, type) => this.#holds.add(ms, type),
      settled: () => this.#wakeUp(),
    });
    this.#holds = new Holds({
      clock: options.clock,
      signal: this.#over.signal,
      over: () => this.wake(),
    });
    this.#questions = new Questions({ ...options, ...target });
    this.#alarm = new Alarm({
      clock: options.clock,
      signal: this.#over.signal,
      ring: () => this.wake(),
      next: (at) => options.store.nextReadyAt(target.tenant, target.agent, at),
    });
    target.link.closed.then(() => {
      this.#over.abort(IN_TIME);
      this.#wakeUp();
    });
  }

  /** The lowest `seq` above `recv` that will be sent; `undefined` when nothing is sent again. */
  seqAfter(recv: number): number | undefined {
    return this.#sending.seqAfter(recv);
  }

  /** The attempts that the agent has, or may have. */
  get attempts(): readonly Attempt[] {
    return this.#sending.attempts;
  }

  /** Reads what was released before this session; before `run`, and again when that has changed in another way. */
  async load(): Promise<void> {
    const released = await releasedTo(this.#options.store, this.#target);
    this.#window.clear();
    this.#sending.clear();
    this.#add(released);
  }

  /** An event of this agent changed; for the dispatcher. */
  changed(record: EventRecord): void {
    const { spec: { id }, state, readyAt = 0 } = record;
    if (this.#window.hasNewer(record)) return;
    if (isReleased(state)) return this.#sending.changed(record);
    this.#sending.left(id);
    const wasHeld = this.#window.left(record);
    const waits = state === "queued" && this.#alarm.waits(readyAt);
    if (!waits && (state === "queued" || !wasHeld)) this.#queueVersion++;
    this.#wakeUp();
  }

  /** The store may have changed something of this agent although it said that it cannot. */
  doubt(): void {
    this.#doubtful = true;
    this.#wakeUp();
  }

  /** An event of this agent has changed elsewhere. */
  touched(id: string): void {
    this.#touched.add(id);
    this.#wakeUp();
  }

  /** Anything may have changed elsewhere, and nobody told. */
  missed(): void {
    this.#missed = true;
    this.#alarm.sure = false;
    this.doubt();
  }

  /** Looks into the queue again. */
  wake(): void {
    this.#queueVersion++;
    this.#wakeUp();
  }

  /** The agent takes events up to this number; what it said before stays true. */
  credit(seqMax: number): void {
    this.#sending.credit(seqMax);
    this.wake();
  }

  /** The agent asks what waits for it: that is told once the queue was looked into again. */
  ask(tell: (backlog: Backlog) => void): void {
    this.#questions.ask(tell);
    this.wake();
  }

  /**
   * Whether the agent was told that an event is not wanted, and was not sent
   * the event on this link: if it does not know it then, it never had it.
   */
  withheld(id: string): boolean {
    return this.#window.has(id) && this.#sending.withheld(id);
  }

  /**
   * Sends until the link ends. Once, never rejects.
   *
   * @param recv The agent has everything up to this `seq` in hand: that is not sent again.
   * @returns Resolves when all it began to write is written.
   */
  async run(recv: number): Promise<void> {
    const { signal } = this.#over;
    this.#sending.resume(recv);
    while (!signal.aborted) {
      this.#woken = false;
      this.#window.settle();
      if (this.#touched.size > 0) await this.#seeTouched();
      this.#sending.flush((id) => this.#window.has(id));
      const busy = this.#doubtful || this.#mayRelease() || this.#questions.open;
      await (busy ? this.#look() : this.#untilWoken());
    }
    while (this.#sending.busy) {
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
    for (const event of released) {
      if (this.#window.add(event.record)) this.#sending.add(event);
    }
  }

  #mayRelease(): boolean {
    return this.#sending.empty && this.#window.open &&
      this.#queueVersion !== this.#emptyVersion && !this.#holds.everything;
  }

  /** Whether anything is on its way to the agent, or may be ready to be. */
  get #owes(): boolean {
    return this.#queueVersion !== this.#emptyVersion || this.#holds.some ||
      this.#sending.busy;
  }

  async #look(): Promise<void> {
    const { tenant, agent, gen, version } = this.#target;
    const queueVersion = this.#queueVersion;
    const at = this.#options.clock.now();
    const { seqMax } = this.#sending;
    try {
      if (this.#doubtful) return await this.#lookBack();
      if (!this.#mayRelease()) return await this.#questions.answer(this.#owes);
      const released = await this.#options.recorder.release(tenant, {
        agent,
        gen,
        version,
        isHeld: this.#holds.filter(),
        eventsMax: this.#window.eventsLeft,
        bytesMax: this.#window.bytesLeft,
        ...(seqMax === Infinity ? {} : { seqMax }),
      });
      if (released.length === 0) {
        await this.#alarm.lookAhead(at);
        this.#emptyVersion = queueVersion;
      }
      this.#storeFailures = 0;
      this.#add(released);
    } catch (reason) {
      await this.#failed(TransporterError.from(reason));
    }
  }

  /** Reads what has changed elsewhere of what the agent has; all else the queue says. */
  async #seeTouched(): Promise<void> {
    const { tenant } = this.#target;
    const held = [...this.#touched].filter((id) => this.#window.has(id));
    this.#touched.clear();
    this.#alarm.sure = false;
    this.#queueVersion++;
    try {
      const reads = held.map((id) => this.#options.store.getEvent(tenant, id));
      for (const record of await Promise.all(reads)) {
        if (record !== undefined) this.changed(record);
      }
    } catch (reason) {
      this.#missed = true;
      await this.#failed(TransporterError.from(reason));
    }
  }

  /** Reads what is released: something may have been, or may have left, although the store said that it cannot. */
  async #lookBack(): Promise<void> {
    this.#doubtful = false;
    try {
      const released = await releasedTo(this.#options.store, this.#target);
      const ids = new Set(released.map(({ spec }) => spec.id));
      for (const id of this.#window.keep(ids)) this.#sending.left(id);
      if (this.#missed) {
        for (const { record } of released) this.#sending.changed(record);
      }
      this.#missed = false;
      this.#add(released.filter(({ spec }) => !this.#window.has(spec.id)));
      this.#queueVersion++;
    } catch (error) {
      this.#doubtful = true;
      throw error;
    }
  }

  /** The store cannot release now: this session waits, unless it is not the agent's any more. */
  async #failed(error: TransporterError): Promise<void> {
    const { log, clock, rng } = this.#options;
    if (error.class !== "unavailable") return this.#target.failed(error);
    log.warn("Cannot release events", { error });
    this.#doubtful = true;
    const ms = fullJitter(this.#storeFailures++, rng, RETRY);
    const { signal } = this.#over;
    // Aborted means that the link has ended, which the loop sees.
    await clock.sleep(ms, { signal }).catch(() => {});
  }
}
