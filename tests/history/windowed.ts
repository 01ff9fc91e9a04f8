import { type Entry, groupBy, ofKind, type Session } from "./entry.ts";
import type { Violation } from "./violation.ts";

/** How much agents may have at a time. */
interface Limits {
  /** How many events, by the name of the process. */
  readonly windows: ReadonlyMap<string, number | undefined>;
  /** How many bytes of them. */
  readonly bytesMax: number;
}

/**
 * G10: an agent is sent a new event only while it has fewer than it said it
 * takes, and fewer bytes of them than it may have. What it was sent before, over
 * another session, comes again whatever the window is now; a session whose
 * welcome does not say which number the next new one gets is not judged.
 */
export function windowed(history: readonly Entry[]): Violation[] {
  const boots = ofKind(history, "boot");
  const limits = {
    windows: new Map(boots.map(({ process, window }) => [process, window])),
    bytesMax: ofKind(history, "limits")[0]?.windowBytes ?? Infinity,
  };
  const sessions = groupBy(
    ofKind(history, "session"),
    ({ agent, gen, replica }) => `${agent} ${gen} ${replica}`,
  );
  return [...sessions.values()].flatMap((session) => judge(session, limits));
}

function judge(
  session: readonly Session[],
  { windows, bytesMax }: Limits,
): Violation[] {
  let begin: Session | undefined;
  /** What the agent has been sent and has not answered for, with its size. */
  const held = new Map<string, number>();
  for (const entry of session) {
    const { what, agent, event = "", seq = 0, bytes = 0 } = entry;
    if (what === "begin") {
      begin = entry; // an older store may give a number again
      held.clear();
    } else if (what === "over") {
      held.delete(event);
    } else if (what === "event" && begin !== undefined) {
      const sum = [...held.values()].reduce((a, b) => a + b, 0);
      const eventsMax = windows.get(begin.process ?? "") ?? Infinity;
      const full = held.size >= eventsMax || sum >= bytesMax;
      if (full && seq >= (begin.seq ?? Infinity)) {
        return [{
          guarantee: "G10",
          word: "flooded",
          subject: agent,
          message: `Agent "${agent}" was sent event "${event}" when it had ` +
            `${held.size} of ${sum} bytes, and takes ${
              held.size >= eventsMax
                ? `${eventsMax} events`
                : `${bytesMax} bytes`
            } at a time`,
          evidence: [begin, entry],
        }];
      }
      held.set(event, bytes);
    }
  }
  return [];
}
