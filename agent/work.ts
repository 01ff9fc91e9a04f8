import {
  CREATED_AHEAD_MS_MAX,
  type EventFrame,
  type EventSpec,
  type Executor,
  formatDuration,
  parse,
  parseTime,
  TransporterError,
  TTL_MAX,
} from "@transporter/sdk";

import type { JournalApplied } from "./journal_record.ts";

/** One attempt at one event, ready to run. */
export interface Work {
  /** What is asked. */
  readonly spec: EventSpec;
  /** Which attempt, from 1. */
  readonly attempt: number;
  /** Its number in the agent's stream; absent from a v1 control plane. */
  readonly seq: number | undefined;
  /** When it has to be over, in milliseconds since 1970 by the control plane's clock. */
  readonly deadline: number;
  /** Whether an earlier process began it: then it is never started again. */
  readonly begun: boolean;
  /** What it led to then, if only the wait for it is left. */
  readonly applied?: JournalApplied | undefined;
  /** How long its frame was, in characters. */
  readonly chars: number;
  /** Who runs it. */
  readonly executor: Executor;
  /** The payload as the executor's schema has it; `undefined` when it does not fit. */
  readonly payload: unknown;
  /** What it touches; nothing when the payload does not fit, as nothing will be applied. */
  readonly keys: readonly string[];
  /** What of that it keeps for itself to its end, and not only until it has been applied. */
  readonly kept: readonly string[];
  /** Whether it may be applied again after a crash in the middle. */
  readonly repeatable: boolean;
  /** Whether it goes on until it is cancelled or its time is over. */
  readonly standing: boolean;
  /** Whether its executor still has to say what it touches: it waits, and what could share that with it waits behind it. */
  readonly unsaid?: boolean;
}

/** What {@linkcode prepare} finds out. */
export type Prepared = Pick<
  Work,
  "payload" | "keys" | "kept" | "repeatable" | "standing"
>;

/** The key of work that touches everything. */
export const EVERYTHING = "*";

/**
 * Asks the executor what an event touches and whether it may be repeated. An
 * executor that fails to say is taken at its worst: the event runs alone, once.
 * A `concurrency_key` of the event's own stands for all that it touches.
 */
export async function prepare(
  executor: Executor,
  spec: EventSpec,
): Promise<Prepared> {
  let payload: unknown;
  try {
    payload = await parse(executor.schema, spec.payload);
  } catch {
    // execute() refuses it again, and reports it.
    return {
      payload: undefined,
      keys: [],
      kept: [],
      repeatable: false,
      standing: false,
    };
  }
  const { concurrency_key: key } = spec;
  try {
    const standing = executor.standing(payload);
    const rest = {
      payload,
      repeatable: executor.repeatable(payload),
      standing,
    };
    if (standing) return { ...rest, keys: [], kept: [] }; // others would wait for ever
    if (key === undefined) {
      return { ...rest, ...touching(executor.keys(payload)) };
    }
    // Whoever names a key "*" does not mean everything, nor an executor's key of the same name.
    const own = [`concurrency_key ${key}`];
    return { ...rest, keys: own, kept: own };
  } catch {
    const keys = key === undefined ? [EVERYTHING] : [`concurrency_key ${key}`];
    return { payload, keys, kept: keys, repeatable: false, standing: false };
  }
}

/** What is known of work before its executor has said anything: the key that its event names. */
export function unsaid({ concurrency_key: key }: EventSpec): Prepared & {
  readonly unsaid: true;
} {
  const keys = key === undefined ? [] : [`concurrency_key ${key}`];
  const facts = { keys, kept: keys, repeatable: false, standing: false };
  return { payload: undefined, ...facts, unsaid: true };
}

/** Verifying only reads, so that things are free for others then; who touches everything does not know what it touches. */
function touching(keys: readonly string[]): Pick<Work, "keys" | "kept"> {
  return { keys, kept: keys.includes(EVERYTHING) ? keys : [] };
}

/** Whether work with these keys may start while these are taken. */
export function isFree(
  keys: readonly string[],
  taken: ReadonlySet<string>,
): boolean {
  return keys.includes(EVERYTHING)
    ? taken.size === 0
    : keys.every((key) => !taken.has(key));
}

/** The control plane's own deadline, or what the ttl makes of the time of its making; never later than from now, or 30 days from now: ids are remembered until then. */
export function deadlineOf(
  frame: EventFrame,
  spec: EventSpec,
  now: number,
): number {
  const deadline = frame.deadline === undefined
    ? undefined
    : parseTime(frame.deadline);
  if (deadline !== undefined) return deadline;
  const raw: unknown = frame.event.created_at;
  const created = typeof raw === "string" ? parseTime(raw) : undefined;
  // Go's zero time is negative; a time ahead of ours would let the event live for ever.
  const believable = created !== undefined && created > 0 &&
    created <= now + CREATED_AHEAD_MS_MAX;
  const asked = (believable ? created : now) + spec.ttl / 1e6;
  return Math.min(asked, now + TTL_MAX / 1e6);
}

/**
 * How long an attempt may take, in milliseconds, and what it means when it
 * takes longer.
 *
 * @param work The attempt.
 * @param remainingMs How far away its event's deadline is, in milliseconds.
 */
export function limitOf(
  { spec: { id, timeout }, attempt }: Work,
  remainingMs: number,
): { limitMs: number; reason: () => TransporterError } {
  const timeoutMs = timeout === undefined ? Infinity : timeout / 1e6;
  const message = () =>
    timeoutMs < remainingMs
      ? `Attempt ${attempt} at event "${id}" was not over after ${
        formatDuration(timeoutMs * 1e6)
      }, its timeout`
      : `Event "${id}" was not over by its deadline`;
  return {
    limitMs: Math.max(0, Math.min(remainingMs, timeoutMs)),
    reason: () => new TransporterError("timeout", message()),
  };
}
