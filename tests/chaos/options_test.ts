import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { readArgs } from "./options.ts";

Deno.test("readArgs() has a default for everything, and draws a seed", () => {
  deepStrictEqual(readArgs([], () => 0.5), {
    runMs: 600_000,
    seed: 2 ** 31,
    events: 20_000,
    agents: 5,
    everyMs: 10_000,
    wire: "ws",
    replicas: 1,
    store: "sqlite",
    script: undefined,
    folder: undefined,
    output: "table",
  });
});

Deno.test("readArgs() takes as many events as fit the time", () => {
  const args = ["--", "--minutes", "0.5", "--seed", "7", "-o", "json"];
  const options = readArgs(args, () => 0);
  deepStrictEqual(
    [options?.runMs, options?.seed, options?.events, options?.output],
    [30_000, 7, 1000, "json"],
  );
});

Deno.test("readArgs() gives nothing where help is asked for", () => {
  strictEqual(readArgs(["--help"], () => 0), undefined);
});

Deno.test("readArgs() refuses what it does not know", () => {
  const cases = [
    { args: ["--minutes", "0"], message: /--minutes "0": it must be a number/ },
    { args: ["--minutes", "ten"], message: /--minutes "ten"/ },
    { args: ["--seed", "1.5"], message: /--seed "1.5": it must be a whole/ },
    { args: ["--seed", ""], message: /--seed ""/ },
    { args: ["--agents", "51"], message: /--agents "51"/ },
    { args: ["-o", "yaml"], message: /--output "yaml": it must be table or/ },
    { args: ["--store", "disk"], message: /--store "disk": it must be sqlite/ },
    {
      args: ["--replicas", "2", "--store", "sqlite"],
      message: /--store "sqlite": it must be redis/,
    },
    { args: ["--replicas", "3"], message: /--replicas "3": it must be 1 or 2/ },
    { args: ["--wire", "pigeon"], message: /--wire "pigeon": it must be ws, / },
    { args: ["--hours", "1"], message: /command line: .*--hours/ },
    { args: ["now"], message: /command line: .*now/ },
  ];
  for (const { args, message } of cases) {
    throws(() => readArgs(args, () => 0), { code: "usage", message });
  }
});
