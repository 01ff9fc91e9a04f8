import { type Entry, groupBy, ofKind, type Session } from "./entry.ts";
import type { Violation } from "./violation.ts";

/** Reasons for which a control plane may end a session that no newer one replaced. */
const GOOD_REASONS: ReadonlySet<string> = new Set([
  "timeout",
  "unavailable",
  "bad_frame",
  "slow_down",
  "too_large",
  "denied",
  "unauthenticated",
]);

/**
 * S1: an agent has one current session at most, the one with the highest
 * generation. An older one gets no events any more, and never takes the current
 * one down with itself.
 *
 * Of an older one that another control plane has not all is seen here: it may
 * say what it was about to say until it hears that it was replaced. That this
 * has no effect is for those to judge who see the effects.
 */
export function oneSession(history: readonly Entry[]): Violation[] {
  const restores = ofKind(history, "restore").map(({ at }) => at);
  const sessions = groupBy(ofKind(history, "session"), ({ agent }) => agent);
  const deletions = ofKind(history, "operate").filter(({ op }) =>
    op === "delete"
  );
  return [...sessions.values()].flatMap((ofAgent) =>
    judge(ofAgent, {
      restores,
      deletions: deletions.filter(({ agent }) => agent === ofAgent[0]?.agent)
        .map(({ at }) => at),
    })
  );
}

function judge(
  entries: readonly Session[],
  { restores, deletions }: {
    readonly restores: readonly number[];
    readonly deletions: readonly number[];
  },
): Violation[] {
  let current: Session | undefined;
  /** Registrations that did not lead to a session yet: one of them may replace the current one. */
  let asking = 0;
  for (const entry of entries) {
    const since = current?.at ?? -Infinity;
    if (restores.some((at) => at > since && at <= entry.at)) {
      current = undefined; // the older store counts from where it was
    }
    const found = (message: string): Violation[] => [{
      guarantee: "S1",
      word: "torn",
      subject: entry.agent,
      message: `Session ${entry.gen} of agent "${entry.agent}" ${message}`,
      evidence: current === undefined ? [entry] : [current, entry],
    }];
    const elsewhere = current !== undefined &&
      entry.replica !== current.replica && entry.gen < current.gen;
    if (entry.what === "register") {
      asking++;
    } else if (entry.what === "begin") {
      asking = Math.max(0, asking - 1);
      if (elsewhere) continue;
      if (current !== undefined && entry.gen <= current.gen) {
        return found(`began after session ${current.gen}`);
      }
      current = entry;
    } else if (entry.what === "event") {
      if (current !== undefined && entry.gen < current.gen && !elsewhere) {
        return found(
          `was sent event "${entry.event}" while session ${current.gen} was current`,
        );
      }
    } else if (entry.by === "control-plane" && entry.gen === current?.gen) {
      const { reason } = entry;
      const deleted = deletions.some((at) => at <= entry.at);
      const replaced = reason === "superseded" && (asking > 0 || deleted);
      if (!replaced && !GOOD_REASONS.has(reason ?? "")) {
        return found(
          `was ended by the control plane (${
            reason ?? "without a reason"
          }), and was the current one`,
        );
      }
    }
  }
  return [];
}
