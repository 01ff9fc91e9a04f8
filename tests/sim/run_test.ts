import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import { formatVerdict } from "../history/judge.ts";
import { runSeed } from "./run.ts";

Deno.test("runSeed() does the same thing each time, whether or not it is traced", async () => {
  const first = await runSeed({ seed: 7 });
  const lines: string[] = [];
  const again = await runSeed({ seed: 7, trace: (line) => lines.push(line) });
  strictEqual(again.hash, first.hash);
  deepStrictEqual(again.history, first.history);
  strictEqual(lines.length > 100, true);
  const other = await runSeed({ seed: 8 });
  notStrictEqual(other.hash, first.hash);
});

Deno.test("the core keeps every guarantee for 60 seeds", async () => {
  let accepted = 0;
  let ended = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { verdict } = await runSeed({ seed });
    strictEqual(
      verdict.violations.length,
      0,
      `seed ${seed}: ${formatVerdict(verdict)}`,
    );
    accepted += verdict.counts.accepted;
    ended += verdict.counts.ended;
  }
  // What was accepted after the copy that is put back later does not end, and nothing else.
  ok(ended > 0.9 * accepted, `${ended} of ${accepted} ended`);
});
