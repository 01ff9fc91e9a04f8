/**
 * Judges a history by every guarantee.
 *
 * @module
 */
import { isTerminal } from "@transporter/sdk";
import { bounded } from "./bounded.ts";
import { inTime } from "./deadline.ts";
import { deleted } from "./deleted.ts";
import { ended } from "./ended.ts";
import { type Entry, ofKind } from "./entry.ts";
import { submitted } from "./events.ts";
import { reported } from "./gap.ts";
import { monotonic } from "./monotonic.ts";
import { inOrder } from "./order.ts";
import { complete, truthful } from "./output.ts";
import { paused } from "./paused.ts";
import { recovers } from "./recovery.ts";
import { oneSession } from "./sessions.ts";
import { startedOnce } from "./starts.ts";
import { superseded } from "./superseded.ts";
import type { Checker, Violation } from "./violation.ts";
import { windowed } from "./windowed.ts";

/** Every checker, by what it looks after. */
const CHECKERS: Readonly<Record<Violation["guarantee"], Checker>> = {
  G1: (history) => [...ended(history), ...deleted(history)],
  G2: startedOnce,
  G3: (history) => [
    ...monotonic(history),
    ...truthful(history),
    ...complete(history),
  ],
  G4: (history) => [
    ...inOrder(history),
    ...paused(history),
    ...superseded(history),
  ],
  G5: inTime,
  G10: (history) => [...bounded(history), ...windowed(history)],
  G14: recovers,
  G18: reported,
  S1: oneSession,
};

/** How much there was to judge. */
export interface Counts {
  /** Events that were accepted. */
  readonly accepted: number;
  /** Events of which no producer knows whether they were accepted, and that were there. */
  readonly recovered: number;
  /** Attempts that started. */
  readonly starts: number;
  /** Events that were last seen in a state that ends them. */
  readonly ended: number;
  /** Times that somebody looked. */
  readonly reads: number;
  /** Faults. */
  readonly faults: number;
}

/** What came of it. */
export interface Verdict {
  /** What was broken; empty when nothing was. */
  readonly violations: readonly Violation[];
  /** How much there was to judge. */
  readonly counts: Counts;
}

/** Judges a history, whole, and by what else holds of it. Entries may be in any order. */
export function judge(
  history: readonly Entry[],
  ...more: readonly Checker[]
): Verdict {
  const checkers = [...Object.values(CHECKERS), ...more];
  return {
    violations: checkers.flatMap((check) => check(history)),
    counts: count(history),
  };
}

function count(history: readonly Entry[]): Counts {
  const reads = ofKind(history, "read");
  const seen = new Set(
    reads.filter(({ state }) => state !== "absent").map(({ event }) => event),
  );
  const over = reads.filter(({ state }) =>
    state !== "absent" && isTerminal(state)
  );
  const events = [...submitted(history).values()];
  return {
    accepted: events.filter(({ outcome }) => outcome === "ok").length,
    recovered:
      events.filter(({ outcome, event }) =>
        outcome === "unknown" && seen.has(event)
      ).length,
    starts: ofKind(history, "start").length,
    ended: new Set(over.map(({ event }) => event)).size,
    reads: reads.length,
    faults: ofKind(history, "fault").length,
  };
}

/** The verdict for people, one fact a line. */
export function formatVerdict({ violations, counts }: Verdict): string {
  const line = `${counts.accepted} accepted, ${counts.recovered} recovered, ` +
    `${counts.ended} ended, ${counts.starts} starts, ${counts.reads} reads, ${counts.faults} faults`;
  return [
    ...violations.map(({ guarantee, word, message }) =>
      `${guarantee} ${word}: ${message}`
    ),
    `${line}: ${violations.length} violations`,
  ].join("\n");
}
