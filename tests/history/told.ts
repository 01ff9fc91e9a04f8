import { isTerminal } from "@transporter/sdk";
import { type Entry, ofKind, type Read } from "./entry.ts";
import type { Violation } from "./violation.ts";

/**
 * G1, of a run whose results are told, and some of whose events come from a
 * broker: what that has taken is there, and each end is told at least once.
 */
export function toldAll(history: readonly Entry[]): Violation[] {
  const last = new Map<string, Read>();
  for (const read of ofKind(history, "read")) last.set(read.event, read);
  const told = new Set(
    ofKind(history, "told").map(({ event, state }) => `${event} ${state}`),
  );
  const lost = (event: string, what: string, entry: Entry): Violation => ({
    guarantee: "G1",
    word: "lost",
    subject: event,
    message: `Event "${event}" ${what}`,
    evidence: [entry],
  });
  const handed = ofKind(history, "handed").flatMap((entry) => {
    const { state = "absent" } = last.get(entry.event) ?? {};
    return state === "absent"
      ? [lost(entry.event, "was taken by the broker, and is not there", entry)]
      : [];
  });
  const untold = [...last.values()].flatMap((read) => {
    const { event, state } = read;
    if (state === "absent" || !isTerminal(state)) return [];
    return told.has(`${event} ${state}`)
      ? []
      : [lost(event, `ended as "${state}", and nobody was told`, read)];
  });
  return [...handed, ...untold];
}
