import { type Entry, groupBy, ofKind } from "./entry.ts";
import { submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/** After this time without a fault every call is answered, in milliseconds. */
const ANSWERED_MS = 60_000;

/** When all is calm, an event starts within this time, in milliseconds. */
const PROMPT_MS = 5_000;

/** A session is over this long after the process at its far end, in milliseconds: 45 s of silence, and a look every 5 s. */
const NOTICED_MS = 60_000;

function hung(
  subject: string,
  message: string,
  ...evidence: readonly Entry[]
): Violation {
  return { guarantee: "G14", word: "hung", subject, message, evidence };
}

/**
 * G14: when all is well again, everything works again, at its usual pace, and
 * no program ends by itself.
 */
export function recovers(history: readonly Entry[]): Violation[] {
  return [
    ...crashed(history),
    ...unanswered(history),
    ...slow(history),
    ...unnoticed(history),
  ];
}

function crashed(history: readonly Entry[]): Violation[] {
  return ofKind(history, "crash").map((crash) => ({
    guarantee: "G14",
    word: "crashed",
    subject: crash.process,
    message: `Process "${crash.process}" ended by itself: ${crash.reason}`,
    evidence: [crash],
  }));
}

function healedAt(history: readonly Entry[]): number {
  const healed = ofKind(history, "mark").filter(({ what }) =>
    what === "healed"
  );
  return healed.at(-1)?.at ?? Infinity;
}

function unanswered(history: readonly Entry[]): Violation[] {
  const from = healedAt(history) + ANSWERED_MS;
  return ofKind(history, "submit")
    .filter(({ at, outcome }) => at >= from && outcome === "unknown")
    .map((call) =>
      hung(call.event, `Event "${call.event}" could not be submitted`, call)
    );
}

function slow(history: readonly Entry[]): Violation[] {
  const calm = ofKind(history, "mark").find(({ what }) => what === "calm");
  if (calm === undefined) return [];
  const starts = groupBy(ofKind(history, "start"), ({ event }) => event);
  return [...submitted(history).values()].flatMap((event) => {
    if (event.firstAt < calm.at || event.acceptedBy === undefined) return [];
    const [first] = starts.get(event.event) ?? [];
    const ms = (first?.at ?? Infinity) - event.acceptedBy;
    if (ms <= PROMPT_MS) return [];
    const after = first === undefined ? "never" : `${Math.round(ms)} ms later`;
    return [hung(event.event, `Event "${event.event}" started ${after}`)];
  });
}

/** A session whose agent is gone, and that the control plane keeps. */
function unnoticed(history: readonly Entry[]): Violation[] {
  const over = history.reduce((last, { at }) => Math.max(last, at), 0);
  const sessions = ofKind(history, "session");
  const stopped = ofKind(history, "fault").filter(({ what }) =>
    what === "cp-pause"
  );
  return ofKind(history, "exit").flatMap((exit) => {
    const until = exit.at + NOTICED_MS;
    const open = sessions.findLast(({ what, process, at }) =>
      what === "begin" && process === exit.process && at <= exit.at
    );
    // A control plane that stands still notices nothing.
    if (
      open === undefined || over < until ||
      stopped.some(({ at }) => at > exit.at - NOTICED_MS && at < until)
    ) return [];
    const ended = sessions.some(({ what, agent, gen, at }) =>
      what === "end" && agent === open.agent && gen >= open.gen && at <= until
    );
    return ended ? [] : [
      hung(
        open.agent,
        `Session ${open.gen} of agent "${open.agent}" is kept although its process is gone`,
        open,
        exit,
      ),
    ];
  });
}
