import { type Entry, ofKind } from "../history/entry.ts";
import type { Verdict } from "../history/judge.ts";
import type { Word } from "../history/violation.ts";
import type { ChaosOptions } from "./options.ts";

/** What a run came to. */
export interface Outcome {
  /** What it was to be. */
  readonly options: ChaosOptions;
  /** Everything that was seen. */
  readonly history: readonly Entry[];
  /** What the checkers say. */
  readonly verdict: Verdict;
  /** What no process may do, and what no answer may be. */
  readonly problems: readonly string[];
  /** Faults that could not be made here, and why. */
  readonly skipped: readonly string[];
  /** Where the history is; `undefined` once it is removed. */
  readonly path: string | undefined;
}

/** What is looked for, in the order it is shown; sessions are not looked at here. */
const WORDS: readonly Word[] = [
  "lost",
  "duplicated",
  "undone",
  "unexpected",
  "disordered",
  "late",
  "early",
  "flooded",
  "hung",
  "unreported",
  "crashed",
];

/** Whether nothing was broken. */
export function isGood({ verdict, problems }: Outcome): boolean {
  return verdict.violations.length === 0 && problems.length === 0;
}

/** The outcome as one JSON document. */
export function toJson(outcome: Outcome): string {
  const { options, verdict, problems, skipped, path } = outcome;
  const document = {
    seed: options.seed,
    minutes: options.runMs / 60_000,
    agents: options.agents,
    wire: options.wire,
    replicas: options.replicas,
    store: options.store,
    ...figures(outcome),
    violations: verdict.violations,
    problems,
    skipped,
    history: path,
    good: isGood(outcome),
  };
  return JSON.stringify(document, undefined, 2);
}

/** The outcome for people: a fact a line, then what was broken. */
export function toTable(outcome: Outcome): string {
  const { options, verdict, problems, skipped, path } = outcome;
  const { accepted, recovered, calls, ends, starts, later, faults, reads } =
    figures(outcome);
  const by = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const rows: [string, string | number][] = [
    ["seed", options.seed],
    ["minutes", Number((options.runMs / 60_000).toFixed(2))],
    ["agents", options.agents],
    ["wire", options.wire],
    ["control planes", `${options.replicas} on ${options.store}`],
    ["accepted", `${accepted} in ${calls} calls, and ${recovered} recovered`],
    ["ended", by(ends)],
    ["starts", `${starts}, of them ${later} of a later attempt`],
    ["reads", reads],
    ["faults", sum(faults)],
    ...Object.entries(faults).map(([what, count]): [string, number] => [
      `  ${what}`,
      count,
    ]),
    ...WORDS.map((word): [string, number] => [
      word,
      verdict.violations.filter((found) => found.word === word).length,
    ]),
    ["other problems", problems.length],
    ...path === undefined ? [] : [["history", path] as [string, string]],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return [
    ...rows.map(([name, value]) => `${name.padEnd(width)}${value}`),
    ...skipped.map((what) => `skipped: ${what}`),
    ...problems,
    ...verdict.violations.map(({ guarantee, word, message }) =>
      `${guarantee} ${word}: ${message}`
    ),
  ].join("\n");
}

function figures({ history, verdict: { counts } }: Outcome) {
  const states = new Map<string, string>();
  for (const { event, state } of ofKind(history, "read")) {
    states.set(event, state);
  }
  return {
    accepted: counts.accepted,
    recovered: counts.recovered,
    calls: ofKind(history, "submit").length,
    ends: tally(states.values()),
    starts: counts.starts,
    later: ofKind(history, "start").filter(({ attempt }) => attempt > 1).length,
    reads: counts.reads,
    faults: tally(ofKind(history, "fault").map(({ what }) => what)),
  };
}

function tally(names: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
