import { type End, type Entry, groupBy, ofKind, type Start } from "./entry.ts";
import type { Violation } from "./violation.ts";

/** G10: a process never runs more attempts at the same time than it said it would. */
export function bounded(history: readonly Entry[]): Violation[] {
  // Of what happens in one moment the first line was first.
  const work = history.filter((entry): entry is Start | End =>
    entry.kind === "start" || entry.kind === "end"
  );
  const agents = groupBy(work, ({ agent }) => agent);
  const limits = new Map(
    ofKind(history, "boot").map((boot) => [boot.process, boot]),
  );
  const violations: Violation[] = [];
  for (const ofAgent of agents.values()) {
    /** What runs, by the process it runs in. */
    const running = new Map<string, Set<string>>();
    for (const entry of ofAgent) {
      const name = `${entry.event} ${entry.attempt}`;
      if (entry.kind === "end") {
        for (const names of running.values()) names.delete(name);
        continue;
      }
      const names = running.get(entry.process) ?? new Set<string>();
      running.set(entry.process, names.add(name));
      const boot = limits.get(entry.process);
      if (boot === undefined || names.size <= boot.concurrency) continue;
      violations.push({
        guarantee: "G10",
        word: "flooded",
        subject: entry.process,
        message: `Process "${entry.process}" runs ${names.size} attempts ` +
          `at the same time, and ${boot.concurrency} are allowed`,
        evidence: [boot, entry],
      });
      break;
    }
  }
  return violations;
}
