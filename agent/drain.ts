import {
  type Clock,
  IN_TIME,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import type { Acknowledgements } from "./acknowledgements.ts";
import type { Inbox } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";
import type { Outputs } from "./outputs.ts";
import type { Runner } from "./runner.ts";

/** The part of the drain time that is kept for attempts that have to be cut off, in milliseconds. */
const CUT_OFF_MS_MAX = 5_000;

/** How long an agent waits for the end of its link: a wire takes five seconds to close, in milliseconds. */
const LEAVE_MS_MAX = 10_000;

/** What has to come to an end. */
export interface DrainOptions {
  /** Takes nothing any more. */
  readonly inbox: Inbox;
  /** Starts nothing any more. */
  readonly runner: Runner;
  /** Tells the control plane what became of it. */
  readonly outbox: Outbox;
  /** Sends what they wrote. */
  readonly outputs: Outputs;
  /** Tells executors what the control plane has. */
  readonly acknowledgements: Acknowledgements;
  /** How long that may take, in milliseconds. */
  readonly drainTimeout: number;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** Takes no new work, lets what runs finish or cuts it off, and tells the control plane. */
export async function drain(options: DrainOptions): Promise<void> {
  const { inbox, runner, outbox, drainTimeout, clock, log } = options;
  const { acknowledgements, outputs } = options;
  const cutOffMs = Math.min(CUT_OFF_MS_MAX, drainTimeout / 2);
  const { running, waiting } = runner;
  log.info("Draining", { running, waiting });
  inbox.stop();
  runner.stop();
  const end = clock.monotonic() + drainTimeout;
  await within(runner.idle(), drainTimeout - cutOffMs, clock);
  if (runner.running > 0) {
    log.warn("Events are cut off as the time to drain is over", {
      running: runner.running,
    });
    cutOff(runner);
  }
  await within(
    runner.idle().then(async () => {
      const told = outbox.flushed().then(() => acknowledgements.idle());
      await Promise.all([outputs.flushed(), told]);
    }),
    end - clock.monotonic(),
    clock,
  );
  log.info("Drained", {
    running: runner.running,
    unacknowledged: outbox.length,
  });
}

/** Takes no new work, and cuts off what runs. */
export async function giveUp(
  { inbox, runner, clock }: Pick<DrainOptions, "inbox" | "runner" | "clock">,
): Promise<void> {
  inbox.stop();
  runner.stop();
  cutOff(runner);
  await within(runner.idle(), CUT_OFF_MS_MAX, clock);
}

function cutOff(runner: Runner): void {
  const reason = "The agent was stopped before the event was over";
  runner.abort(new TransporterError("interrupted", reason));
}

/**
 * Waits for what was told to end: whatever does not is left behind, so that an
 * agent that is stopped always ends.
 *
 * @param ends What was told.
 */
export async function leave(
  ends: readonly Promise<void>[],
  { clock, log }: Pick<DrainOptions, "clock" | "log">,
): Promise<void> {
  const all = Promise.all(ends).then(() => {});
  if (await within(all, LEAVE_MS_MAX, clock)) return;
  log.error("The link to the control plane is left behind as it does not end");
}

/** Waits for something, but not for ever; returns whether it came. */
export async function within(
  work: Promise<void>,
  ms: number,
  clock: Clock,
): Promise<boolean> {
  const done = new AbortController();
  const timeout = clock.sleep(Math.max(0, ms), { signal: done.signal })
    .then(() => false, (reason) => {
      if (!done.signal.aborted) throw reason;
      return true;
    });
  const inTime = await Promise.race([work.then(() => true), timeout]);
  done.abort(IN_TIME);
  return inTime;
}
