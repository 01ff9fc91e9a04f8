import { deepStrictEqual } from "node:assert/strict";
import { found, read } from "./sample.ts";
import { toldAll } from "./told.ts";

Deno.test("toldAll() finds an end that nobody was told", () => {
  const ended = read("a", 1, "completed");
  deepStrictEqual(found(toldAll, ended), ["lost a"]);
  const other = { kind: "told", at: 2, event: "a", state: "failed" } as const;
  deepStrictEqual(found(toldAll, ended, other), ["lost a"]);
  const told = { ...other, state: "completed" };
  deepStrictEqual(found(toldAll, ended, told, told), []);
});

Deno.test("toldAll() finds what a broker has taken and is not there", () => {
  const handed = { kind: "handed", at: 1, event: "a" } as const;
  deepStrictEqual(found(toldAll, handed), ["lost a"]);
  deepStrictEqual(found(toldAll, handed, read("a", 2, "absent")), ["lost a"]);
  deepStrictEqual(found(toldAll, handed, read("a", 2, "queued")), []);
});
