import { match, strictEqual } from "node:assert/strict";
import type { Entry } from "../history/entry.ts";
import { judge } from "../history/judge.ts";
import { start, submit } from "../history/sample.ts";
import { isGood, type Outcome, toJson, toTable } from "./report.ts";

function outcomeOf(history: readonly Entry[], problems: string[]): Outcome {
  return {
    options: {
      runMs: 30_000,
      seed: 7,
      events: 1,
      agents: 1,
      everyMs: 10_000,
      wire: "ws",
      replicas: 1,
      store: "sqlite",
      script: undefined,
      folder: undefined,
      output: "table",
    },
    history,
    verdict: judge(history),
    problems,
    skipped: [],
    path: "/tmp/run/history.jsonl",
  };
}

Deno.test("toTable() shows the seed, the counts, and each violation in a sentence", () => {
  const outcome = outcomeOf(
    [submit("e1", 1), start("e1", 3), start("e1", 4)],
    [],
  );
  const table = toTable(outcome);
  match(table, /^seed +7$/m);
  match(table, /^accepted +1 in 1 calls, and 0 recovered$/m);
  match(table, /^lost +0$/m);
  match(table, /^duplicated +1$/m);
  match(table, /^history +\/tmp\/run\/history.jsonl$/m);
  match(table, /^G2 duplicated: Attempt 1 at event "e1" started twice$/m);
  strictEqual(isGood(outcome), false);
});

Deno.test("toJson() is a document with the same verdict", () => {
  const { good, seed, accepted, violations } = JSON.parse(
    toJson(outcomeOf([submit("e1", 1)], [])),
  );
  strictEqual(good, true);
  strictEqual(seed, 7);
  strictEqual(accepted, 1);
  strictEqual(violations.length, 0);
});

Deno.test("isGood() does not let a process pass that hangs", () => {
  const outcome = outcomeOf([submit("e1", 1)], [
    'hung: "cp" did not end after SIGTERM',
  ]);
  strictEqual(isGood(outcome), false);
  match(toTable(outcome), /^hung: "cp" did not end after SIGTERM$/m);
});
