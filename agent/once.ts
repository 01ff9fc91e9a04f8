import {
  type Clock,
  formatDuration,
  type Logger,
  parseTime,
  TransporterError,
} from "@transporter/sdk";
import type { Backlog } from "./backlog.ts";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import type { Outbox } from "./outbox.ts";
import type { Runner } from "./runner.ts";

/** Options of {@linkcode untilNothingWaits}. */
export interface OnceOptions {
  /** The agent. */
  readonly agentId: string;
  /** How long nothing may be going on, in milliseconds. */
  readonly timeoutMs: number;
  /** Who has events in hand. */
  readonly runner: Runner;
  /** What the control plane does not have yet. */
  readonly outbox: Outbox;
  /** What the control plane says. */
  readonly backlog: Backlog;
  /** Why there is no session, or why events were not taken: the last that is known. */
  readonly hindrance: () => TransporterError | undefined;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The time that events wait for. */
  readonly controlPlaneClock: ControlPlaneClock;
  /** For the operator. */
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Between two looks, in milliseconds. */
const LOOK_MS = 100;

/** What is ready so soon is waited for, such as another attempt, in milliseconds. */
const SOON_MS = 60_000;

/** How long nothing may come from a control plane that cannot say what waits, before that counts as nothing, in milliseconds. */
const QUIET_MS = 5_000;

/**
 * Waits until nothing waits for the agent any more: what it was handed is over,
 * standing work aside, the control plane has all ends, and says that nothing is
 * on its way, ready, or ready soon.
 *
 * @returns Whether it came to that; `false` when the signal aborts first.
 * @throws {TransporterError} `denied` when the agent is paused; `unavailable`, or the code of what stands in the way,
 * when nothing was going on for too long.
 */
export async function untilNothingWaits(
  options: OnceOptions,
): Promise<boolean> {
  const { clock, signal, runner, outbox, backlog, timeoutMs, log } = options;
  let movedAt = clock.monotonic();
  let [started, owed] = [0, 0];
  while (!signal.aborted) {
    const moves = runner.active > 0 || runner.started > started ||
      outbox.length < owed;
    if (moves) movedAt = clock.monotonic();
    [started, owed] = [runner.started, outbox.length];
    if (isIdle(options)) {
      const rest = restOf(options, movedAt);
      if (rest === "nothing") {
        const { standing } = runner;
        log.info("Nothing waits any more", { started, standing });
        return true;
      }
      if (rest === "soon") movedAt = clock.monotonic();
    } else backlog.forget();
    if (clock.monotonic() - movedAt >= timeoutMs) throw stuck(options);
    await clock.sleep(LOOK_MS, { signal }).catch(() => {}); // aborted, which the loop sees
  }
  return false;
}

/** Whether all that the agent was handed is over, and the control plane knows. */
function isIdle({ runner, outbox }: OnceOptions): boolean {
  return runner.running + runner.waiting === runner.standing && !outbox.owes;
}

/** What the control plane still has for an agent that is idle. */
function restOf(
  { agentId, backlog, clock, controlPlaneClock, log }: OnceOptions,
  movedAt: number,
): "unknown" | "soon" | "nothing" {
  const { since, answers } = backlog;
  if (since === undefined) return "unknown";
  if (!answers) {
    const quietMs = clock.monotonic() - Math.max(since, movedAt);
    if (quietMs < QUIET_MS) return "unknown";
    log.warn("Nothing came for a while, and the control plane cannot say more");
    return "nothing";
  }
  const { waiting, paused, ready_at: time } = backlog.take() ?? {};
  if (paused) {
    throw new TransporterError(
      "denied",
      `Cannot run what waits for agent "${agentId}" as it is paused: let it go on with "transporter resume agent ${agentId}"`,
    );
  }
  if (waiting !== false) return "unknown";
  const readyAt = parseTime(time ?? "");
  if (readyAt === undefined) return "nothing";
  if (readyAt <= controlPlaneClock.now() + SOON_MS) return "soon";
  log.info("What is for later is left to a later run", { ready_at: time });
  return "nothing";
}

function stuck(options: OnceOptions): TransporterError {
  const { agentId, timeoutMs, backlog, outbox, hindrance } = options;
  const why = hindrance();
  const found = backlog.since === undefined
    ? "the control plane was not to be reached"
    : outbox.owes
    ? `the control plane did not take ${outbox.length} statuses`
    : isIdle(options)
    ? "nothing came of what waits"
    : "nothing of what it has could go on";
  const time = formatDuration(timeoutMs * 1e6);
  return new TransporterError(
    why?.class === "denied" || why?.class === "unavailable"
      ? why.code
      : "unavailable",
    `Cannot run what waits for agent "${agentId}" as ${found} for ${time}, see --once-timeout${
      why === undefined ? "" : `: ${why.message}`
    }`,
    { cause: why },
  );
}
