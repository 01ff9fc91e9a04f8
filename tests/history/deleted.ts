import { isTerminal } from "@transporter/sdk";
import { type Entry, ofKind } from "./entry.ts";
import { isForgotten, retriesOf, submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G1, of an agent that was deleted: whatever was accepted for it before has
 * ended when the deletion is answered, but for what an operator asks to try
 * again, and for what an older copy of the store does not know.
 */
export function deleted(history: readonly Entry[]): Violation[] {
  const events = submitted(history);
  const retries = retriesOf(history);
  const restores = ofKind(history, "restore");
  const deletes = ofKind(history, "operate").filter(({ op, outcome }) =>
    op === "delete" && outcome === "ok"
  );
  return ofKind(history, "read").flatMap((read) => {
    const event = events.get(read.event);
    const { state } = read;
    if (state === "absent" || isTerminal(state) || event === undefined) {
      return [];
    }
    const { agent, acceptedBy = Infinity } = event;
    const call = deletes.find((call) =>
      call.agent === agent && acceptedBy < call.at && call.end < read.at
    );
    if (
      call === undefined ||
      restores.some(({ at }) => at >= call.at && at <= read.end) ||
      // Submitted once more, it is a new one.
      isForgotten(event, restores) ||
      retries.some(({ event, at, end }) =>
        event === read.event && at <= read.end && end >= call.at
      )
    ) return [];
    return [{
      guarantee: "G1",
      word: "lost",
      subject: read.event,
      message:
        `Event "${read.event}" is "${state}" although agent "${agent}" was deleted`,
      evidence: [call, read],
    }];
  });
}
