import {
  type Entry,
  groupBy,
  ofKind,
  type Read,
  type Session,
} from "./entry.ts";
import type { Violation } from "./violation.ts";

/** How much agents may have at a time. */
interface Limits {
  /** How many events, by the name of the process. */
  readonly windows: ReadonlyMap<string, number | undefined>;
  /** How many bytes of them. */
  readonly bytesMax: number;
  /** What readers were told of each event. */
  readonly reads: ReadonlyMap<string, readonly Read[]>;
}

/**
 * G10: an agent is sent a new event only while it has fewer than it said it
 * takes, and fewer bytes of them than it may have. What it was sent before, over
 * another session, comes again whatever the window is now, and has no place when
 * the agent has said in this session how that attempt ended: it is on its way
 * until the control plane has heard so, and is not begun again. A session whose
 * welcome does not say which number the next new one gets is not judged. What
 * the control plane has given up, as its agent did not say in time how it ended,
 * has no place any more.
 */
export function windowed(history: readonly Entry[]): Violation[] {
  const boots = ofKind(history, "boot");
  const limits = {
    windows: new Map(boots.map(({ process, window }) => [process, window])),
    bytesMax: ofKind(history, "limits")[0]?.windowBytes ?? Infinity,
    reads: groupBy(ofKind(history, "read"), ({ event }) => event),
  };
  const sessions = groupBy(
    ofKind(history, "session"),
    ({ agent, gen, replica }) => `${agent} ${gen} ${replica}`,
  );
  return [...sessions.values()].flatMap((session) => judge(session, limits));
}

function judge(
  session: readonly Session[],
  { windows, bytesMax, reads }: Limits,
): Violation[] {
  let begin: Session | undefined;
  /** What the agent has been sent and has not answered for, with its size. */
  const held = new Map<string, number>();
  /** The attempts that it has answered for. */
  const ended = new Set<string>();
  for (const entry of session) {
    const { what, agent, event = "", attempt, seq = 0, bytes = 0 } = entry;
    const name = attempt === undefined ? undefined : `${event} ${attempt}`;
    if (what === "begin") {
      begin = entry; // an older store may give a number again
      held.clear();
      ended.clear();
    } else if (what === "over") {
      held.delete(event);
      if (name !== undefined) ended.add(name);
    } else if (what === "event" && begin !== undefined) {
      const counted = [...held].filter(([id]) =>
        !mayBeGivenUp(reads.get(id) ?? [], entry)
      );
      const sum = counted.reduce((sum, [, bytes]) => sum + bytes, 0);
      const eventsMax = windows.get(begin.process ?? "") ?? Infinity;
      const full = counted.length >= eventsMax || sum >= bytesMax;
      const isNew = seq >= (begin.seq ?? Infinity);
      if (full && isNew) {
        return [{
          guarantee: "G10",
          word: "flooded",
          subject: agent,
          message: `Agent "${agent}" was sent event "${event}" when it had ` +
            `${counted.length} of ${sum} bytes, and takes ${
              counted.length >= eventsMax
                ? `${eventsMax} events`
                : `${bytesMax} bytes`
            } at a time`,
          evidence: [begin, entry],
        }];
      }
      if (isNew || name === undefined || !ended.has(name)) {
        held.set(event, bytes);
      }
    }
  }
  return [];
}

/** Whether the first look from a moment on finds an event given up: then it may have been at that moment. */
function mayBeGivenUp(
  reads: readonly Read[],
  { at }: Pick<Session, "at">,
): boolean {
  const read = reads.find((read) => read.at >= at);
  return read !== undefined && isGivenUp(read);
}

/** Whether an event has ended by the control plane's word alone: the phase is not the one of an agent that says so. */
function isGivenUp({ state, phase }: Read): boolean {
  if (state === "expired") return phase !== "expired";
  return state === "failed" && phase !== "failed" && phase !== "interrupted";
}
