import { type Entry, ofKind, type Read } from "./entry.ts";
import { deletesOf, oldAgents, submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G18: what an agent remembers and an older copy of the store does not know of
 * is reported, not hidden. Judged is what was submitted after the copy that was
 * put back last, started before that by an agent that came back, and is not
 * there at the end.
 */
export function reported(history: readonly Entry[]): Violation[] {
  const restore = ofKind(history, "restore").at(-1);
  const settled = ofKind(history, "mark").some(({ what }) =>
    what === "settled"
  );
  if (restore === undefined || !settled) return [];
  const named = new Set(
    ofKind(history, "gap").filter(({ at }) => at >= restore.at)
      .flatMap(({ events }) => events),
  );
  const back = new Set(
    ofKind(history, "session").filter(({ at, what }) =>
      what === "begin" && at > restore.at
    ).map(({ agent }) => agent),
  );
  const old = oldAgents(history);
  const deleted = new Set(deletesOf(history).map(({ agent }) => agent));
  const events = submitted(history);
  const last = new Map<string, Read>();
  for (const read of ofKind(history, "read")) last.set(read.event, read);
  const ids = new Set(
    ofKind(history, "start").filter(({ event, agent, process, at }) =>
      at < restore.at && (events.get(event)?.firstAt ?? 0) > restore.copiedAt &&
      back.has(agent) && !deleted.has(agent) && !old.has(process) &&
      last.get(event)?.state === "absent"
    ).map(({ event }) => event),
  );
  return [...ids.difference(named)].map((event) => ({
    guarantee: "G18",
    word: "unreported",
    subject: event,
    message:
      `Event "${event}" was started, is not in the older store, and nobody was told`,
    evidence: [restore],
  }));
}
