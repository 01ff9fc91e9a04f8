import { deepStrictEqual } from "node:assert/strict";
import type { Figure } from "./figures.ts";
import { measure } from "./measure.ts";

function figure(what: string): Figure {
  return {
    ...{ what, value: 1, unit: "ms", bar: { atMost: 2 } },
    peer: "none known",
  };
}

Deno.test("measure() has what others measured when a bench fails, and says which one and why", async () => {
  const named: string[] = [];
  const late = new Error("The control plane has ended");
  const early = new Error("There is no bundle");
  const outcome = await measure({
    first: () => Promise.resolve([figure("a"), figure("b")]),
    late: () => Promise.reject(late),
    early() {
      throw early;
    },
    last: () => Promise.resolve([figure("c")]),
  }, (name) => named.push(name));
  deepStrictEqual(named, ["first", "late", "early", "last"]);
  deepStrictEqual(outcome, {
    figures: [figure("a"), figure("b"), figure("c")],
    failures: [
      { bench: "late", error: late },
      { bench: "early", error: early },
    ],
  });
});
