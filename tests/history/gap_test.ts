import { deepStrictEqual } from "node:assert/strict";
import type { Entry } from "./entry.ts";
import { reported } from "./gap.ts";
import {
  found,
  mark,
  read,
  restore,
  session,
  start,
  submit,
} from "./sample.ts";

/** An event that is started between a copy and the moment when that is put back, and is gone then. */
function gone(...more: readonly Entry[]): readonly string[] {
  return found(
    reported,
    submit("a", 200),
    start("a", 300),
    restore(400, 100),
    session(2, 500),
    read("a", 800, "absent"),
    mark("settled", 900),
    ...more,
  );
}

Deno.test("reported() finds what was started, is gone, and was not reported", () => {
  deepStrictEqual(gone(), ["unreported a"]);
});

Deno.test("reported() is content when it was, after the copy was put back", () => {
  deepStrictEqual(gone({ kind: "gap", at: 600, events: ["a"] }), []);
  deepStrictEqual(gone({ kind: "gap", at: 399, events: ["a"] }), [
    "unreported a",
  ]);
});

Deno.test("reported() asks for nothing that is there again", () => {
  deepStrictEqual(gone(read("a", 850, "queued")), []);
});
