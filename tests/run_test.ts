import { deepStrictEqual, throws } from "node:assert/strict";
import { readArgs } from "./run.ts";

Deno.test("readArgs() reads what to go without, and the name to look for", () => {
  const cases: readonly (readonly [string[], string[], string | undefined])[] =
    [
      [[], [], undefined],
      [["--", "Link"], [], "Link"],
      [["Link"], [], "Link"],
      [["--without", "pods"], ["pods"], undefined],
      [["--without=kubernetes,pods", "Link"], ["kubernetes", "pods"], "Link"],
      [["--without", "pods", "--without", "pods"], ["pods"], undefined],
    ];
  for (const [args, without, filter] of cases) {
    deepStrictEqual(readArgs(args), { without: new Set(without), filter });
  }
});

Deno.test("readArgs() refuses what it does not know", () => {
  const cases = [
    { args: ["--without", "kafka"], message: /"kafka" as the parts are/ },
    { args: ["--without"], message: /deno task test \[--without/ },
    { args: ["--parallel"], message: /deno task test \[--without/ },
    { args: ["a", "b"], message: /2 names/ },
  ];
  for (const { args, message } of cases) {
    throws(() => readArgs(args), { code: "usage", message });
  }
});
