import { type Clock, TransporterError } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import { Board, reasonOf, type Seen } from "./board.ts";
import { collectionsOf } from "./collection.ts";
import { follow } from "./follow.ts";
import { describeObject, objectKey } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import { becomesReady } from "./ready.ts";
import { type Conditions, kindKey } from "./ready_when.ts";
import { StorageClasses } from "./storage_class.ts";
import { explainWaiting } from "./why.ts";

/** Between two reports, in milliseconds; each is kept in the event's history. */
const REPORT_MS = 2_000;

/** How long before its end a phase stops waiting, in milliseconds, so that it can say why. */
const LAST_WORDS_MS = 250;

/** Objects that an error names. */
const NAMED_MAX = 20;

/** What waiting needs. */
export interface WaitContext extends ApplyContext {
  /** What takes the place of the kinds' own rules; nothing unless given. */
  readonly conditions?: Conditions;
}

/** What {@linkcode watchBoard} needs. */
interface Watch {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly until: number;
  readonly report: (message: string) => Promise<void>;
}

/** The error about objects that are not ready; names the first for people, and more for programs. */
function notReady(
  code: "failed" | "conflict" | "not_ready",
  seen: readonly Seen[],
  when = "",
): TransporterError {
  const [first] = seen;
  if (first === undefined) {
    return new TransporterError(
      "cluster_unavailable",
      "Cannot wait for the objects: the API server has not said how they are",
    );
  }
  const more = seen.length === 1 ? "" : ` (and ${seen.length - 1} more)`;
  const waiting = seen.slice(0, NAMED_MAX).map((each) => {
    const { apiVersion, kind, namespace, name } = each.object;
    const reason = reasonOf(each);
    return { api_version: apiVersion, kind, namespace, name, reason };
  });
  return new TransporterError(
    code,
    `Cannot get ${describeObject(first.object)} ready${when}: ${
      reasonOf(first)
    }${more}`,
    { details: { waiting } },
  );
}

/** Resolves when something changed, or after a while. */
async function pause(
  changed: Promise<void>,
  ms: number,
  { clock, signal }: Watch,
): Promise<void> {
  const woken = new AbortController();
  const sleep = clock.sleep(ms, {
    signal: AbortSignal.any([signal, woken.signal]),
  });
  try {
    await Promise.race([changed, sleep]);
  } finally {
    woken.abort();
  }
}

/** Says what is waited for until nothing is any more, or something is lost, or time is up. */
async function watchBoard(board: Board, watch: Watch): Promise<void> {
  const { clock, until, report } = watch;
  const end = until - LAST_WORDS_MS;
  let reported = "";
  const beganAt = clock.now();
  let reportAt = beganAt;
  for (;;) {
    const changed = board.changed();
    if (board.lost !== undefined) {
      const isConflict = board.lost.state.failed === "conflict";
      throw notReady(isConflict ? "conflict" : "failed", [board.lost]);
    }
    if (board.left === 0) return;
    const now = clock.now();
    const waiting = [...board.waiting()];
    if (now >= end && beganAt >= end) {
      const reason = "what was done before has left no time to look at it";
      const state = { ready: false, reason };
      const late = [...board.unseen()].map((each) => ({ ...each, state }));
      throw notReady("not_ready", [...waiting, ...late], " in time");
    }
    if (now >= end) {
      const others = waiting.length === 0 ? [] : [...board.unseen()];
      throw notReady("not_ready", [...waiting, ...others], " in time");
    }
    const message = messageOf(waiting);
    if (message !== reported && now >= reportAt) {
      reported = message;
      reportAt = now + REPORT_MS;
      await report(message);
      continue;
    }
    const wakeAt = message === reported ? end : Math.min(end, reportAt);
    await pause(changed, wakeAt - now, watch);
  }
}

/** What is reported; nothing as long as nothing is known. */
function messageOf([first, ...rest]: readonly Seen[]): string {
  if (first === undefined) return "";
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  return `Waiting for ${describeObject(first.object)}: ${
    reasonOf(first)
  }${more}`;
}

/** Gives up objects that a later event has changed: whether they become ready is for that one to find out. */
function giveUpChanged(
  board: Board,
  objects: readonly PlannedObject[],
  { cluster, context }: ApplyContext,
): void {
  for (const object of objects.filter((each) => board.has(each))) {
    const later = cluster.changes.since(
      objectKey(object),
      context.idempotencyKey,
    );
    if (later === undefined) continue;
    board.set(object, {
      ready: false,
      failed: "conflict",
      reason: `the event "${later}" has changed it since`,
    });
  }
}

/**
 * Waits until objects are ready. Reports what is waited for, and why, when that
 * changes, and not more often than every two seconds. Only kinds that become
 * ready after they are applied, or have a condition, are looked at.
 *
 * @param objects What to wait for.
 * @param apply Where, and until when.
 * @param warn Told at the end which objects are only taken for ready, and what may not be read.
 * @throws {TransporterError} `failed`: one cannot become ready; `conflict`: a later event has changed one;
 * `not_ready`: one is not ready when time is up.
 */
export async function waitUntilReady(
  objects: readonly PlannedObject[],
  apply: WaitContext,
  warn: (warning: string) => void,
): Promise<void> {
  const { cluster, context, until, states, conditions = new Map() } = apply;
  const followed = objects.filter((object) =>
    conditions.has(kindKey(object)) || becomesReady(object)
  );
  if (followed.length === 0) return;
  const board = new Board(followed, (seen) => {
    const { object, state: { ready, failed, unchecked, reason } } = seen;
    if (ready) states.ready(object, unchecked && reason);
    else if (failed) states.fail(object, reasonOf(seen));
    else states.wait(object, reasonOf(seen));
  });
  for (const object of followed) states.wait(object, "");
  const check = () => giveUpChanged(board, followed, apply);
  using _listening = cluster.changes.listen(check);
  check(); // keys are free since the phase before, so that it may have happened already
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const classes = new StorageClasses({ cluster, signal, until });
  const waiting = [
    watchBoard(board, {
      clock: cluster.clock,
      signal,
      until,
      report: (message) => context.report(message),
    }),
    ...collectionsOf(followed).map((collection) =>
      follow(collection, {
        cluster,
        signal,
        until,
        board,
        states,
        classes,
        conditions,
      })
    ),
  ];
  const explaining = explainWaiting({ cluster, signal, board });
  try {
    // It ends when nothing is left to explain, so that whatever ends first tells the outcome.
    await Promise.race([Promise.all(waiting), explaining]);
  } finally {
    stop.abort();
    await Promise.allSettled([...waiting, explaining]);
    for (const warning of board.warnings()) warn(warning);
  }
}
