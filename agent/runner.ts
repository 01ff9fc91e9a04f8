import { TransporterError } from "@transporter/sdk";
import { type AttemptOptions, runAttempt, type Running } from "./attempt.ts";
import type { JournalApplied } from "./journal_record.ts";
import { EVERYTHING, isFree, type Prepared, type Work } from "./work.ts";

/** Options of {@linkcode Runner}. */
export interface RunnerOptions extends AttemptOptions {
  /** How many attempts run at the same time, standing ones aside. */
  readonly concurrency: number;
  /** Called when the journal fails: nothing can be started any more. */
  readonly failed: (reason: unknown) => void;
}

/** Attempts in hand: far more than a control plane sends that keeps to the window. */
const WORKS_MAX = 4000;

/** Characters of events in hand: four times what a control plane sends that keeps to the window. */
const CHARS_MAX = 64 * 1024 * 1024;

/**
 * Runs attempts, at most so many at the same time: in the order they came, and
 * those that touch the same things one after the other. While an attempt is
 * verified, which only reads, the next one may touch them. An attempt is noted in
 * the journal before it is started, and its deadline is checked after that,
 * immediately before the start. Standing work takes no place among those that
 * run, and holds no key. Work of which is not said yet what it touches waits, and
 * what is of its type behind it; and so does work whose deadline may be over when
 * that will be known soon. When the agent stops, what stands is left as it is, and
 * so is what only waits until it is verified.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Running>();
  #waiting: Work[] = [];
  /** Characters of all that is in hand. */
  #chars = 0;
  #stopped = false;
  #idle: PromiseWithResolvers<void> | undefined;
  #freed: PromiseWithResolvers<void> | undefined;

  /** Called when an attempt is not in hand any more. */
  ended: (() => void) | undefined;
  /** The highest number in the agent's stream that was started. */
  startedSeq = 0;
  /** How many attempts were started. */
  started = 0;

  /** Makes a runner that has nothing to do. */
  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** How many attempts run. */
  get running(): number {
    return this.#running.size;
  }

  /** How many of them stand. */
  get standing(): number {
    return this.#count(({ work }) => work.standing);
  }

  /** How many of them neither stand nor have to wait until it is known where they are done. */
  get active(): number {
    return this.#count(({ work, blind }) => !work.standing && !blind);
  }

  #count(is: (running: Running) => boolean): number {
    return [...this.#running.values()].filter(is).length;
  }

  /** How many attempts wait for a free place. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether so much is in hand that nothing should be added. */
  get crowded(): boolean {
    return this.running + this.waiting >= WORKS_MAX ||
      this.#chars >= CHARS_MAX;
  }

  /** Resolves when an attempt is not in hand any more. */
  async freed(): Promise<void> {
    this.#freed ??= Promise.withResolvers();
    await this.#freed.promise;
  }

  /** Whether an attempt at the event, or this one, runs or waits. */
  holds(id: string, attempt?: number): boolean {
    const holds = (work: Work | undefined) =>
      work?.spec.id === id && (attempt ?? work.attempt) === work.attempt;
    return holds(this.#running.get(id)?.work) || this.#waiting.some(holds);
  }

  /**
   * Runs an attempt when its turn has come. One that can start at once is noted
   * in the journal before this returns, so that its arrival and its start share
   * an fsync.
   */
  add(work: Work): void {
    // A lower attempt that still waits was never started, and is not wanted any more.
    this.#withdraw(({ spec }) => spec.id === work.spec.id);
    this.#waiting.push(work);
    this.#chars += work.chars;
    this.#pump();
  }

  /** What was to be said of work that waits is said: it keeps its place. */
  said(work: Work, prepared: Prepared): void {
    const at = this.#waiting.indexOf(work);
    if (at === -1) return; // taken back meanwhile
    const { applied } = work;
    const keys = applied === undefined ? prepared.keys : prepared.kept;
    this.#waiting[at] = { ...work, ...prepared, keys, unsaid: false };
    this.#pump();
  }

  /** Looks again whether something has its turn: the time may be believed now. */
  look(): void {
    this.#pump();
  }

  /**
   * Takes back every attempt at an event: what waits is never started, and what
   * runs is aborted. Does nothing when there is none.
   *
   * @param reason How what runs ends.
   */
  cancel(id: string, reason: TransporterError): void {
    this.#running.get(id)?.abort.abort(reason);
    this.#withdraw(({ spec }) => spec.id === id);
    this.#pump(); // what waited behind it may have its turn
    this.#tellFreed();
  }

  /**
   * Starts nothing any more; what runs goes on until it was applied. What waits
   * for its turn stays in the journal, and so does what stands, or waits until
   * it is verified.
   */
  stop(): void {
    this.#stopped = true;
    for (const running of this.#running.values()) this.#leave(running);
    this.#withdraw(() => true);
    this.#tellFreed();
  }

  /** Cuts off all that runs; its reason says how the attempts end. */
  abort(reason: TransporterError): void {
    for (const running of this.#running.values()) {
      running.cutOff = true;
      running.abort.abort(reason);
    }
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }

  /** Takes back what waits and fits. */
  #withdraw(fits: (work: Work) => boolean): void {
    if (!this.#waiting.some(fits)) return;
    const [gone, kept] = [
      this.#waiting.filter(fits),
      this.#waiting.filter((work) => !fits(work)),
    ];
    for (const { chars } of gone) this.#chars -= chars;
    this.#waiting = kept;
  }

  /** Starts whatever has its turn. What has not lets nothing with the same keys pass. */
  #pump(): void {
    const { controlPlaneClock } = this.#options;
    const { fault } = controlPlaneClock;
    const isTimely = ({ begun, deadline }: Work) =>
      begun ||
      fault === undefined && !controlPlaneClock.isUnclear(deadline);
    const taken = new Set(
      [...this.#running.values()].flatMap(({ keys }) => keys),
    );
    const typesUnsaid = new Set<string>();
    let busy = this.#running.size - this.standing;
    for (let i = 0; i < this.#waiting.length;) {
      const work = this.#waiting[i];
      const full = busy >= this.#options.concurrency ||
        taken.has(EVERYTHING);
      if (work === undefined || full || this.#stopped) return;
      const { spec: { id, type }, unsaid = false } = work;
      if (unsaid) typesUnsaid.add(type);
      const free = !typesUnsaid.has(type) && !this.#running.has(id) &&
        isFree(work.keys, taken) && isTimely(work);
      for (const key of work.keys) taken.add(key);
      if (!free) {
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      this.#start(work);
      if (!work.standing) busy++;
    }
  }

  #start(work: Work): void {
    const abort = new AbortController();
    const running: Running = {
      work,
      abort,
      keys: work.keys,
      blind: false,
      cutOff: false,
      left: false,
    };
    this.started++;
    this.#running.set(work.spec.id, running);
    this.startedSeq = Math.max(this.startedSeq, work.seq ?? 0);
    const attempt = runAttempt(running, this.#options, {
      standing: this.standing,
      applied: () => this.#applied(running),
      waits: (applied) => this.#waits(running, applied),
    });
    attempt.catch(this.#options.failed).finally(() => {
      this.#running.delete(work.spec.id);
      this.#chars -= work.chars;
      this.#pump();
      this.#tellFreed();
      if (this.#running.size > 0) return;
      this.#idle?.resolve();
      this.#idle = undefined;
    });
  }

  /** Work has been applied: what it does not keep to its end is free. */
  #applied(running: Running): void {
    running.keys = running.work.kept;
    this.#pump();
  }

  /** Work that was applied waits: that is all that is left to do, for whichever process. */
  async #waits(running: Running, applied: JournalApplied): Promise<void> {
    running.applied = applied;
    if (this.#stopped) this.#leave(running);
    else if (running.work.applied === undefined) {
      await this.#note(running, applied);
    }
  }

  #note({ work }: Running, applied: JournalApplied): Promise<void> {
    const { spec: { id }, attempt } = work;
    return this.#options.journal.applied({ id, attempt }, applied);
  }

  /** Leaves an attempt for the next start, which goes on with it, if that can. */
  #leave(running: Running): void {
    const { work, abort, applied } = running;
    const goesOn = work.standing || applied !== undefined;
    if (!goesOn || abort.signal.aborted) return;
    running.left = true;
    if (applied !== undefined) {
      this.#note(running, applied).catch(this.#options.failed);
    }
    abort.abort(new TransporterError("interrupted", "It goes on"));
  }

  #tellFreed(): void {
    this.ended?.();
    this.#freed?.resolve();
    this.#freed = undefined;
  }
}
