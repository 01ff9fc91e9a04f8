import {
  type Clock,
  deadline,
  type EventStatus,
  execute,
  type ExecuteOptions,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { Outputs } from "./output.ts";
import { recover, type RecoverOptions } from "./recover.ts";
import { isLast, unstarted } from "./status.ts";
import { EVERYTHING, isFree, limitOf, type Work } from "./work.ts";

/** Options of {@linkcode Runner}. */
export interface RunnerOptions {
  /** Who reports. */
  readonly agentId: string;
  /** How many attempts run at the same time. */
  readonly concurrency: number;
  /** Where starts are noted before they happen. */
  readonly journal: Journal;
  /** Where statuses go. */
  readonly outbox: Outbox;
  /** Where output goes. */
  readonly outputs: Outputs;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The time that deadlines are kept by. */
  readonly controlPlaneClock: ControlPlaneClock;
  /** For the operator. */
  readonly log: Logger;
  /** Called when the journal fails: nothing can be started any more. */
  readonly failed: (reason: unknown) => void;
}

/** What an attempt is run or looked for with. */
type AttemptOptions = ExecuteOptions & RecoverOptions;

interface Running {
  readonly work: Work;
  readonly abort: AbortController;
  /** What others have to wait for. */
  keys: readonly string[];
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
 * immediately before the start.
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

  /** Makes a runner that has nothing to do. */
  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** How many attempts run. */
  get running(): number {
    return this.#running.size;
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

  /** Starts nothing any more; what runs goes on. What waits stays in the journal. */
  stop(): void {
    this.#stopped = true;
    this.#withdraw(() => true);
    this.#tellFreed();
  }

  /** Aborts all that runs; its reason says how the attempts end. */
  abort(reason: TransporterError): void {
    for (const { abort } of this.#running.values()) abort.abort(reason);
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
    const { fault } = this.#options.controlPlaneClock;
    const taken = new Set(
      [...this.#running.values()].flatMap(({ keys }) => keys),
    );
    for (let i = 0; i < this.#waiting.length;) {
      const work = this.#waiting[i];
      const full = this.#running.size >= this.#options.concurrency ||
        taken.has(EVERYTHING);
      if (work === undefined || full || this.#stopped) return;
      const free = !this.#running.has(work.spec.id) &&
        isFree(work.keys, taken) && (fault === undefined || work.begun);
      for (const key of work.keys) taken.add(key);
      if (!free) {
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      this.#start(work);
    }
  }

  #start(work: Work): void {
    const abort = new AbortController();
    this.#running.set(work.spec.id, { work, abort, keys: work.keys });
    this.startedSeq = Math.max(this.startedSeq, work.seq ?? 0);
    this.#run(work, abort.signal).catch(this.#options.failed).finally(() => {
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
  #applied({ spec, kept }: Work): void {
    const running = this.#running.get(spec.id);
    if (running === undefined || running.keys === kept) return;
    running.keys = kept;
    this.#pump();
  }

  #tellFreed(): void {
    this.ended?.();
    this.#freed?.resolve();
    this.#freed = undefined;
  }

  async #run(work: Work, signal: AbortSignal): Promise<void> {
    const { journal, controlPlaneClock, clock, outbox, agentId } =
      this.#options;
    const { spec: { id }, attempt, begun } = work;
    const log = this.#options.log.with({ event_id: id, attempt });
    if (!begun) await journal.begin(id, attempt);
    const remainingMs = work.deadline - controlPlaneClock.now();
    const unfit = begun ? undefined : this.#unfit(work, remainingMs);
    if (unfit !== undefined) {
      log.warn("Event was not started", { error: unfit });
      await outbox.record(unstarted(work, unfit, { agentId, at: clock.now() }));
      return;
    }
    const { limitMs, reason } = limitOf(work, remainingMs);
    using limit = deadline(clock, limitMs, { reason, signal });
    const output = this.#options.outputs.open(id, attempt);
    const options: AttemptOptions = {
      agentId,
      attempt,
      deadline: clock.now() + limitMs,
      signal: limit.signal,
      clock,
      log,
      record: (status) => {
        if (isLast(status)) output.close(); // so that it comes before the end
        if (status.phase === "verifying") this.#applied(work);
        return outbox.record(withRepeatable(status, work));
      },
      output: (stream, text) => output.write(stream, text),
    };
    log.info(
      begun ? "Event was begun before, and is looked for" : "Event started",
      {
        type: work.spec.type,
      },
    );
    const last = await this.#end(work, options);
    log.info("Event ended", {
      state: last.state,
      phase: last.phase,
      code: last.error?.code,
    });
  }

  /** Why an attempt must not be started now, although it had its turn; asked last, after the fsync. */
  #unfit(
    { spec: { id } }: Work,
    remainingMs: number,
  ): TransporterError | undefined {
    const { fault } = this.#options.controlPlaneClock;
    if (fault !== undefined) return fault;
    if (remainingMs > 0) return undefined;
    return new TransporterError(
      "expired",
      `Event "${id}" was not started as its deadline is over`,
    );
  }

  async #end(work: Work, options: AttemptOptions): Promise<EventStatus> {
    if (!work.begun) return await execute(work.executor, work.spec, options);
    const last = await recover(work, options);
    await options.record(last);
    return last;
  }
}

/** What the control plane has to know to decide what follows an interruption. */
function withRepeatable(
  status: EventStatus,
  { repeatable }: Work,
): EventStatus {
  if (status.phase !== "interrupted") return status;
  return { ...status, details: { ...status.details, repeatable } };
}
