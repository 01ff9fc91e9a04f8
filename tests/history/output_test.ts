import { deepStrictEqual } from "node:assert/strict";
import type { Entry, Logs, Output } from "./entry.ts";
import { complete, truthful } from "./output.ts";
import { end, found, mark, restore, start, submit } from "./sample.ts";

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

/** An attempt of a process that put out a line, and came to its end. */
function attempt(event: string, process: string): Entry[] {
  const work = { at: 1, agent: "edge", event, attempt: 1 };
  return [
    { kind: "start", ...work, process },
    output(event, "one\n"),
    { kind: "end", ...work, outcome: "done" },
  ];
}

Deno.test("complete() finds output that is missing although its process lives on", () => {
  const seen: Entry[] = [
    ...attempt("all", "p1"),
    ...attempt("part", "p1"),
    ...attempt("none", "p1"),
    ...attempt("of-a-killed-one", "p2"),
    ...attempt("of-an-old-one", "p3"),
    {
      kind: "start",
      at: 1,
      agent: "edge",
      event: "cut",
      attempt: 1,
      process: "p1",
    },
    output("cut", "one\n"),
    { kind: "exit", at: 2, process: "p2" },
    { kind: "boot", at: 0, process: "p3", concurrency: 1, link: 1 },
    logs("all", [0, "one\n"]),
    logs("part", [0, "on"]),
    ...["none", "of-a-killed-one", "of-an-old-one", "cut"].map((id) =>
      logs(id)
    ),
  ];
  const settled: Entry = { kind: "mark", at: 3, what: "settled" };
  const lost = ["lost part", "lost none"];
  deepStrictEqual(found(complete, ...seen, settled), lost);
  deepStrictEqual(found(complete, ...seen), [], "there was no time yet");
  const restore: Entry = { kind: "restore", at: 2, copiedAt: 0 };
  deepStrictEqual(found(complete, ...seen, restore, settled), []);
});

Deno.test("complete() does not ask for what was put out while an older store did not know the event", () => {
  const seen = (first: number, again: readonly number[], shown: Logs) =>
    found(
      complete,
      ...[first, ...again].map((at) => submit("a", at)),
      restore(10, 5),
      start("a", 11),
      { ...output("a", "one\n"), at: 12 },
      { ...output("a", "two\n"), at: 22 },
      end("a", 23),
      mark("settled", 90),
      shown,
    );
  const lost = ["lost a"];
  const [nothing, one, two] = [
    logs("a"),
    logs("a", [0, "one\n"]),
    logs("a", [4, "two\n"]),
  ];
  deepStrictEqual(seen(7, [], nothing), [], "nobody knows it any more");
  deepStrictEqual(seen(7, [20], two), []);
  deepStrictEqual(seen(7, [20], one), lost, "it is known again");
  deepStrictEqual(seen(7, [22], nothing), [], "it was not answered yet");
  deepStrictEqual(seen(3, [], two), lost, "it is in the copy");
  deepStrictEqual(seen(10.5, [20], two), lost, "it is newer");
  deepStrictEqual(seen(4.5, [], nothing), [], "it may not be in the copy");
});

Deno.test("complete() knows what a copy of a restored store has", () => {
  const seen = (...calls: readonly number[]) =>
    found(
      complete,
      ...calls.map((at) => submit("a", at)),
      restore(10, 5),
      restore(20, 15),
      start("a", 21),
      { ...output("a", "one\n"), at: 22 },
      end("a", 23),
      mark("settled", 90),
      logs("a"),
    );
  deepStrictEqual(seen(3), ["lost a"], "it is in both copies");
  deepStrictEqual(seen(7), []);
  deepStrictEqual(seen(7, 12), ["lost a"], "it is in the second copy");
  deepStrictEqual(seen(7, 16), []);
});
