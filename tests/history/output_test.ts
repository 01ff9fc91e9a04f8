import { deepStrictEqual } from "node:assert/strict";
import type { Logs, Output } from "./entry.ts";
import { truthful } from "./output.ts";
import { found } from "./sample.ts";

function output(event: string, text: string): Output {
  return { kind: "output", at: 1, event, attempt: 1, text };
}

function logs(
  event: string,
  ...pieces: readonly (readonly [off: number, text: string])[]
): Logs {
  return {
    kind: "logs",
    at: 5,
    end: 6,
    event,
    pieces: pieces.map(([off, text]) => ({ attempt: 1, off, text })),
  };
}

Deno.test("truthful() finds output that was not put out, and output that is there twice", () => {
  deepStrictEqual(
    found(
      truthful,
      output("a", "one\n"),
      output("a", "two\n"),
      logs("a", [0, "one\ntwo\n"]),
      logs("a", [4, "two\n"]), // the beginning was lost
      output("invented", "one\n"),
      logs("invented", [0, "two\n"]),
      output("moved", "one\ntwo\n"),
      logs("moved", [0, "two\n"]),
      output("twice", "one\n"),
      logs("twice", [0, "one\n"], [0, "one\n"]),
    ),
    ["unexpected invented", "unexpected moved", "unexpected twice"],
  );
});
