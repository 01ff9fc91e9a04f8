import { type Entry, ofKind } from "./entry.ts";
import { isForgotten, oldAgents, retriesOf, submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G4: an event that takes the place of another waits until that one is cancelled
 * or has started: whatever had not started by the newer one's first start never
 * does, unless an operator asks for it.
 */
export function superseded(history: readonly Entry[]): Violation[] {
  const events = submitted(history);
  const restores = ofKind(history, "restore");
  const retries = retriesOf(history);
  const old = oldAgents(history);
  const firsts = new Map<string, Extract<Entry, { kind: "start" }>>();
  for (const start of ofKind(history, "start")) {
    const known = firsts.get(start.event);
    if (known === undefined || start.at < known.at) {
      firsts.set(start.event, start);
    }
  }
  return [...events.values()].flatMap((newer) => {
    const older = events.get(newer.supersedes ?? "");
    const first = firsts.get(newer.event);
    const late = firsts.get(older?.event ?? "");
    if (older === undefined || first === undefined || late === undefined) {
      return [];
    }
    // One that was accepted later than the newer one is not what that one knew.
    const known = (older.acceptedBy ?? Infinity) < newer.firstAt;
    if (!known || late.at <= first.at || old.has(late.process)) return [];
    if (
      isForgotten(older, restores) || isForgotten(newer, restores) ||
      restores.some(({ at }) => at >= newer.firstAt && at <= late.at) ||
      retries.some(({ event, at }) => event === older.event && at <= late.at)
    ) return [];
    return [{
      guarantee: "G4",
      word: "disordered",
      subject: older.event,
      message:
        `Event "${older.event}" started after "${newer.event}", which takes its place`,
      evidence: [first, late],
    }];
  });
}
