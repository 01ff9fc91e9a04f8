import { type Entry, groupBy, ofKind } from "./entry.ts";
import { submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G4: nothing is released to an agent that is paused: what was submitted after
 * the pause was answered does not start before somebody asks to resume.
 */
export function paused(history: readonly Entry[]): Violation[] {
  const events = submitted(history);
  const restores = ofKind(history, "restore").map(({ at }) => at);
  const calls = groupBy(
    ofKind(history, "operate").filter(({ outcome }) => outcome !== "fail"),
    ({ agent = "" }) => agent,
  );
  return ofKind(history, "start").flatMap((start) => {
    const event = events.get(start.event);
    const ofAgent = calls.get(start.agent) ?? [];
    const pause = ofAgent.findLast(({ op, outcome, end }) =>
      op === "pause" && outcome === "ok" && end < (event?.firstAt ?? -Infinity)
    );
    if (pause === undefined) return [];
    // A call that was not answered may have had its effect at any time after.
    const resumed = ofAgent.some(({ op, outcome, at, end }) =>
      op === "resume" && at <= start.at &&
      (outcome === "unknown" || end >= pause.at)
    ) || restores.some((at) =>
      at >= pause.at && at <= start.at
    );
    if (resumed) return [];
    return [{
      guarantee: "G4",
      word: "unexpected",
      subject: start.event,
      message:
        `Event "${start.event}" started although agent "${start.agent}" is paused`,
      evidence: [pause, start],
    }];
  });
}
