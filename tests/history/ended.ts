import { isTerminal } from "@transporter/sdk";
import { type Entry, groupBy, ofKind, type Read } from "./entry.ts";
import { isForgotten, type Submitted, submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G1: whatever was accepted ends, once the faults are healed and everything
 * had its time. The mark `settled` says when that is; without one, nothing is
 * judged. What was accepted after the copy that was put back later is gone,
 * and only that.
 */
export function ended(history: readonly Entry[]): Violation[] {
  const settled = ofKind(history, "mark").find(({ what }) =>
    what === "settled"
  );
  if (settled === undefined) return [];
  const restores = ofKind(history, "restore");
  const reads = groupBy(ofKind(history, "read"), ({ event }) => event);
  return [...submitted(history).values()].flatMap((event) => {
    const last = (reads.get(event.event) ?? [])
      .filter(({ at }) => at >= settled.at).at(-1);
    return judge(event, last, isForgotten(event, restores));
  });
}

function judge(
  event: Submitted,
  last: Read | undefined,
  forgotten: boolean,
): Violation[] {
  const found = (word: Violation["word"], message: string): Violation[] => [{
    guarantee: "G1",
    word,
    subject: event.event,
    message: `Event "${event.event}" ${message}`,
    evidence: last === undefined ? [] : [last],
  }];
  const there = last !== undefined && last.state !== "absent";
  if (event.outcome === "fail") {
    return there ? found("unexpected", "was refused, and is there") : [];
  }
  if (there) {
    const { state } = last;
    if (state !== "absent" && isTerminal(state)) return [];
    return found("lost", `was accepted, and is "${state}" for ever`);
  }
  if (event.outcome === "unknown" || forgotten) return [];
  return found(
    "lost",
    last === undefined
      ? "was accepted, and nobody asked for it after everything had settled"
      : "was accepted, and is not there any more",
  );
}
