import type { Random } from "../sim/random.ts";
import type { TcpFault } from "../tcp_fault.ts";
import type { PlannedFault, ProcessFault, ProcessFaultKind } from "./fault.ts";

/** Options of {@linkcode plan}. */
export interface PlanOptions {
  /** What decides everything. */
  readonly random: Random;
  /** How long the run is, in milliseconds. */
  readonly runMs: number;
  /** How often something is done to a process or a link in a storm: the time between two beginnings, on average, in milliseconds. */
  readonly everyMs: number;
  /** The processes, and which faults each of them can have. */
  readonly processes: Readonly<Record<string, readonly ProcessFaultKind[]>>;
  /** The links. */
  readonly links: readonly string[];
}

/** The longest that a process stands still or is away, in milliseconds, in a run that is long enough. */
const AWAY_MS_MAX = 60_000;

/** Milliseconds that a process or a link has at least between two faults. */
const BREATH_MS = 300;

/** The clocks of agents are off by this much, either way, in milliseconds: seconds, minutes, an hour. */
const CLOCK_OFFSETS_MS = [3_000, 60_000, 600_000, 3_600_000] as const;

/**
 * Draws every fault of a run. Each target has its own, independent of the
 * others; the last fifth of each round (a sixth of the
 * run, ten seconds to a minute) is quiet: what began is over, and nothing new
 * begins.
 *
 * @returns The faults of all targets, by their time.
 */
export function plan(options: PlanOptions): PlannedFault[] {
  const { random, runMs, processes, links } = options;
  const awayMsMax = Math.min(AWAY_MS_MAX, Math.max(1000, runMs / 10));
  const faults: PlannedFault[] = [];
  for (const [target, kinds] of Object.entries(processes)) {
    const ofTarget = random.fork(target);
    faults.push(...series(target, ofTarget, options, () => ({
      fault: processFault(kinds, ofTarget),
      ms: logarithmic(ofTarget, Math.min(1000, awayMsMax / 5), awayMsMax),
    })));
  }
  for (const target of links) {
    const ofTarget = random.fork(target);
    faults.push(...series(target, ofTarget, options, () => ({
      fault: linkFault(ofTarget),
      ms: logarithmic(ofTarget, 200, Math.min(10_000, awayMsMax)),
    })));
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** When faults may be: from the start of each round, in milliseconds. */
export function rounds(runMs: number): { roundMs: number; stormMs: number } {
  const roundMs = Math.min(60_000, Math.max(10_000, runMs / 6));
  return { roundMs, stormMs: roundMs * 0.8 };
}

function series(
  target: string,
  random: Random,
  { runMs, everyMs }: PlanOptions,
  draw: () => Pick<PlannedFault, "fault" | "ms">,
): PlannedFault[] {
  const { roundMs, stormMs } = rounds(runMs);
  const faults: PlannedFault[] = [];
  for (let atMs = random.exponential(everyMs); atMs < runMs;) {
    const { fault, ms } = draw();
    const round = Math.floor(atMs / roundMs) * roundMs;
    const leftMs = Math.min(round + stormMs, runMs) - atMs;
    if (leftMs <= 0) {
      atMs = round + roundMs + random.next() * everyMs;
      continue;
    }
    const lasts = Math.round(Math.min(ms, leftMs));
    faults.push({ atMs: Math.round(atMs), ms: lasts, target, fault });
    atMs += Math.max(lasts + BREATH_MS, random.exponential(everyMs));
  }
  return faults;
}

/** Short ones are common, long ones rare. */
function logarithmic(random: Random, min: number, max: number): number {
  return min * (max / min) ** (random.next() ** 2);
}

function processFault(
  kinds: readonly ProcessFaultKind[],
  random: Random,
): ProcessFault {
  const kind = kinds[random.int(0, kinds.length - 1)] ?? "kill9";
  if (kind !== "clock") return { kind };
  const offsetMs = random.pick(CLOCK_OFFSETS_MS);
  return { kind, offsetMs: random.chance(0.5) ? offsetMs : -offsetMs };
}

const LINK_KINDS = [
  "latency",
  "bandwidth",
  "slicer",
  "limit_data",
  "black_hole",
  "forget",
  "slow_close",
  "reset",
  "half_close",
  "accept_silence",
] as const;

function linkFault(random: Random): TcpFault {
  const kind = random.pick(LINK_KINDS);
  switch (kind) {
    case "latency":
      return {
        kind,
        ms: random.int(5, 200),
        jitterMs: random.int(0, 300),
      };
    case "bandwidth":
      return { kind, bytesPerSecond: random.int(500, 50_000) };
    case "slicer":
      return { kind, bytes: random.int(1, 100), gapMs: random.int(1, 5) };
    case "limit_data":
      return { kind, bytes: random.int(1, 20_000) };
    case "slow_close":
      return { kind, ms: random.int(100, 5000) };
    default:
      return { kind };
  }
}
