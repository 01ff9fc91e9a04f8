import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import { ofKind } from "../history/entry.ts";
import { formatVerdict } from "../history/judge.ts";
import { WIRES } from "./medium.ts";
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

Deno.test("the core keeps every guarantee for 20 seeds", async () => {
  let complete = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { verdict, history } = await runSeed({ seed });
    strictEqual(
      verdict.violations.length,
      0,
      `seed ${seed}: ${formatVerdict(verdict)}`,
    );
    // Where faults go on nothing need end, and what a restore forgets does not.
    const settled = ofKind(history, "mark").some(({ what }) =>
      what === "settled"
    );
    if (!settled || ofKind(history, "restore").length > 0) continue;
    const { accepted, recovered, ended } = verdict.counts;
    strictEqual(ended, accepted + recovered, `seed ${seed}`);
    complete++;
  }
  ok(complete > 5, `only ${complete} runs were judged to their end`);
});

Deno.test("runSeed() works over each carrier, and does the same thing each time", async () => {
  const hashes = new Set<string>();
  for (const wire of WIRES) {
    const first = await runSeed({ seed: 7, wire });
    const again = await runSeed({ seed: 7, wire });
    strictEqual(again.hash, first.hash, wire);
    deepStrictEqual(first.verdict.violations, [], wire);
    ok(first.verdict.counts.ended > 10, wire);
    hashes.add(first.hash);
  }
  strictEqual(hashes.size, WIRES.length);
});
