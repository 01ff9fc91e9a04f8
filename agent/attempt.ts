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
import type { JournalApplied } from "./journal_record.ts";
import type { Outbox } from "./outbox.ts";
import type { Outputs } from "./outputs.ts";
import type { Places } from "./places.ts";
import { recover, type RecoverOptions } from "./recover.ts";
import { isLast, unstarted, withRepeatable } from "./status.ts";
import { limitOf, type Work } from "./work.ts";

/** What every attempt needs. */
export interface AttemptOptions {
  /** Who reports. */
  readonly agentId: string;
  /** How many standing attempts there may be. */
  readonly standingMax: number;
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
  /** Whether it is known where the agent works. */
  readonly places: Places;
  /** For the operator. */
  readonly log: Logger;
}

/** An attempt that runs. */
export interface Running {
  /** The attempt. */
  readonly work: Work;
  /** Ends it. */
  readonly abort: AbortController;
  /** What others have to wait for. */
  keys: readonly string[];
  /** What it led to, once it has said that it waits: a later process can go on with that. */
  applied?: JournalApplied;
  /** Whether it waits until it is known where it is done. */
  blind: boolean;
  /** Whether it is cut off as the agent ends, through no fault of its own. */
  cutOff: boolean;
  /** Whether it is left as it is, for the next start: how it ends is not told. */
  left: boolean;
}

/**
 * Milliseconds from a restart until standing work goes on: should it be what
 * ends the agent, there is time to take it back.
 */
const AGAIN_MS = 60_000;

/** A longer result is not kept for a later process, which applies again in its place; in characters. */
const KEPT_CHARS_MAX = 256 * 1024;

/** How often an agent may end while something is waited for, before that is taken for the cause. */
const ENDS_MAX = 2;

/**
 * Runs one attempt, from its note in the journal to its last status. Its
 * deadline is checked after the note is durable, immediately before the start.
 *
 * @param running The attempt.
 * @param options What every attempt needs.
 * @param runner How many attempts stand, this one included; told when the attempt has been applied, and when it then
 * says that it waits, which a later process can go on with.
 * @throws {TransporterError} `store_unavailable` when the journal cannot be written.
 */
export async function runAttempt(
  running: Running,
  options: AttemptOptions,
  runner: {
    readonly standing: number;
    readonly applied: () => void;
    readonly waits: (applied: JournalApplied) => Promise<void>;
  },
): Promise<void> {
  const { work, abort: { signal } } = running;
  const { journal, controlPlaneClock, clock, outbox, agentId } = options;
  const { spec: { id, type }, attempt, begun, applied } = work;
  const log = options.log.with({ event_id: id, attempt });
  if (!begun) await journal.begin(id, attempt);
  const remainingMs = work.deadline - controlPlaneClock.now();
  const unfit = begun ? undefined : unfitness(work, { ...options, ...runner });
  if (unfit !== undefined) {
    log.warn("Event was not started", { error: unfit });
    await outbox.record(unstarted(work, unfit, { agentId, at: clock.now() }));
    return;
  }
  const { limitMs, reason } = limitOf(work, remainingMs);
  using limit = deadline(clock, limitMs, { reason, signal });
  const output = options.outputs.open(id, attempt);
  log.info(startOf(work), { type });
  // The gate let nothing new in before that was known; what was begun before came without it.
  if (begun) {
    running.blind = true;
    await options.places.known(type, limit.signal);
    running.blind = false;
  }
  // Counted before it goes on: what leaves it for the next start takes that back.
  if (begun && applied !== undefined) {
    await journal.applied({ id, attempt }, {
      ...applied,
      ends: applied.ends + 1,
    });
  }
  let result: unknown;
  let reports = 0;
  const last = await toItsEnd(work, {
    agentId,
    attempt,
    deadline: clock.now() + limitMs,
    signal: limit.signal,
    clock,
    log,
    record: (status) => {
      if (isLast(status)) {
        if (running.left) return Promise.resolve();
        output.close(); // so that it comes before the end
      }
      // The first report of the phase is nothing but its name: what is over at once says no more.
      const waits = status.phase === "verifying" && reports++ === 1;
      const { cutOff } = running;
      const told = withRepeatable(status, { ...work, cutOff });
      // Most events are over at once, and nothing of them has to be kept.
      const left = waits ? keepable(result, work) : undefined;
      if (left === undefined) return outbox.record(told);
      // Whoever reads that it waits may count on it.
      return runner.waits(left).then(() => outbox.record(told));
    },
    onApplied: (outcome) => {
      result = outcome;
      runner.applied();
    },
    output: (stream, text) => output.write(stream, text),
    outputSent: () => options.outputs.flushed(),
    outputFrom: (bytes) => output.from(bytes),
  });
  if (running.left) return log.info("Event is left for the next start");
  log.info("Event ended", {
    state: last.state,
    phase: last.phase,
    code: last.error?.code,
  });
}

function startOf({ begun, applied }: Work): string {
  if (!begun) return "Event started";
  return applied === undefined
    ? "Event was begun before, and is looked for"
    : "Event was applied before, and is waited for";
}

/** What a later process needs to go on with the wait; `undefined` when the event would not come again, or it is too much. */
function keepable(
  result: unknown,
  { seq, applied }: Work,
): JournalApplied | undefined {
  if (seq === undefined) return undefined;
  if (applied !== undefined) return applied;
  const text = JSON.stringify(result);
  return text === undefined || text.length > KEPT_CHARS_MAX
    ? undefined
    : { result, ends: 0 };
}

/** Why an attempt must not be started now, although it had its turn; asked last, after the fsync. */
function unfitness(
  { spec: { id }, standing, deadline }: Work,
  now: Pick<AttemptOptions, "controlPlaneClock" | "standingMax"> & {
    readonly standing: number;
  },
): TransporterError | undefined {
  const { controlPlaneClock, standingMax } = now;
  const { fault } = controlPlaneClock;
  if (fault !== undefined) return fault;
  if (standing && now.standing > standingMax) {
    return new TransporterError(
      "exhausted",
      `Event "${id}" was not started as this agent already has ${standingMax} that stand, half of its --window, which may be 64: cancel one`,
    );
  }
  if (!controlPlaneClock.mayBeOver(deadline)) return undefined;
  return new TransporterError(
    "expired",
    `Event "${id}" was not started as its deadline is over`,
  );
}

async function toItsEnd(
  work: Work,
  options: ExecuteOptions & RecoverOptions,
): Promise<EventStatus> {
  const { begun, standing, executor, spec, applied } = work;
  if (!begun) return await execute(executor, spec, options);
  if (applied !== undefined && applied.ends < ENDS_MAX) {
    const { result } = applied;
    return await execute(executor, spec, { ...options, applied: result });
  }
  if (standing) {
    const { clock, signal } = options;
    // An abort is what the attempt ends with.
    await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
    return await execute(executor, spec, { ...options, again: true });
  }
  const last = await recover(work, options);
  await options.record(last);
  return last;
}
