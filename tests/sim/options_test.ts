import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { readOptions } from "./options.ts";

Deno.test("readOptions() runs a thousand seeds on every core unless told otherwise", () => {
  const run = { kind: "run", from: 1, seeds: 1000, jobs: 4 };
  deepStrictEqual(readOptions([], 4), run);
  deepStrictEqual(
    readOptions(["--seeds", "7", "--from", "0", "--jobs=1"], 4),
    { ...run, from: 0, seeds: 7, jobs: 1 },
  );
  deepStrictEqual(readOptions(["--trace", "0"], 4), { kind: "trace", seed: 0 });
  strictEqual(readOptions(["-h"], 4).kind, "help");
  deepStrictEqual(
    readOptions(["--replicas", "2"], 4),
    { ...run, replicas: 2 },
  );
  deepStrictEqual(
    readOptions(["--trace", "5", "--replicas", "2"], 4),
    { kind: "trace", seed: 5, replicas: 2 },
  );
});

Deno.test("readOptions() refuses what it cannot use, in one sentence", () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [["--seeds", "0"], /--seeds must be a whole number from 1, not "0"/],
    [["--from", "-1"], /--from/],
    [["--jobs", "two"], /--jobs must be a whole number from 1, not "two"/],
    [["--trace", "1.5"], /--trace must be a whole number from 0, not "1.5"/],
    [["--trace", "1", "--seeds", "2"], /--seeds is about several/],
    [["--seed", "1"], /--seed/],
    [["5"], /"5" can only be the name of a mutant/],
    [["--search"], /--search is about mutants/],
    [["--replicas", "3"], /--replicas must be 1 or 2, not "3"/],
    [["--mutants", "--replicas", "2"], /--replicas is not about mutants/],
    [["--wire", "tcp"], /--wire must be socket, poll, sse, nats or any, not/],
    [["--mutants", "--wire", "nats"], /--wire is not about mutants/],
    [["--list"], /--list is about mutants/],
    [["--mutants", "-o", "yaml"], /--output must be "table" or "json"/],
    [["--mutants", "--trace", "1"], /--trace shows one mutant: name it/],
    [["--mutants", "--trace", "1", "a", "b"], /--trace shows one mutant/],
    [["--mutants", "--trace", "1", "a", "--search"], /--search is about/],
  ];
  for (const [args, message] of wrong) {
    throws(() => readOptions(args, 4), { code: "usage", message });
  }
});

Deno.test("readOptions() looks for every mutant, in its recorded seeds if it has some", () => {
  const every = {
    kind: "mutants",
    names: [],
    from: 1,
    search: false,
    jobs: 4,
    output: "table",
  };
  deepStrictEqual(readOptions(["--mutants"], 4), every);
  deepStrictEqual(
    readOptions(["--mutants", "a", "b", "--search", "-o", "json"], 4),
    { ...every, names: ["a", "b"], search: true, output: "json" },
  );
  deepStrictEqual(
    readOptions(["--mutants", "--from=7", "--seeds=3", "--jobs=1"], 4),
    { ...every, from: 7, seeds: 3, search: true, jobs: 1 },
  );
  deepStrictEqual(
    readOptions(["--mutants", "--list"], 4),
    { kind: "list", output: "table" },
  );
  deepStrictEqual(
    readOptions(["--trace", "5", "--mutants", "a"], 4),
    { kind: "trace", seed: 5, mutant: "a" },
  );
});
