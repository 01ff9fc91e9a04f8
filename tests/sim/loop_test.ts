import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Loop } from "./loop.ts";
import { Random } from "./random.ts";

function newLoop(): Loop {
  return new Loop(new Random("loop"));
}

Deno.test("Loop runs all promise jobs that follow from one thing before the next one", async () => {
  const loop = newLoop();
  const seen: string[] = [];
  for (let i = 1; i <= 200; i++) {
    loop.after(i, "thing", async () => {
      for (let job = 0; job < 20; job++) await undefined;
      seen.push(`${i} at ${loop.now}`);
    });
  }
  await loop.run(200);
  const all = Array.from({ length: 200 }, (_, i) => `${i + 1} at ${i + 1}`);
  deepStrictEqual(seen, all);
});

Deno.test("Loop hears of a rejection that nobody handles before the next thing happens", async () => {
  const loop = newLoop();
  const seen: string[] = [];
  function note(event: PromiseRejectionEvent) {
    event.preventDefault();
    seen.push(`${event.reason} at ${loop.now}`);
  }
  globalThis.addEventListener("unhandledrejection", note);
  let late: Promise<void> | undefined;
  loop.after(1, "rejects", () => void (late = Promise.reject("unheard")));
  loop.after(2, "handles", () => late?.catch(() => seen.push("too late")));
  await loop.run(10);
  globalThis.removeEventListener("unhandledrejection", note);
  deepStrictEqual(seen, ["unheard at 1", "too late"]);
});

Deno.test("Loop.run() stops when the condition holds, when time is up, and when something throws", async () => {
  const loop = newLoop();
  for (let i = 1; i <= 9; i++) loop.after(i, "thing", () => {});
  await loop.run(9, () => loop.steps === 3);
  strictEqual(loop.now, 3);
  await loop.run(5.5);
  deepStrictEqual([loop.now, loop.steps], [5.5, 5]);
  loop.after(1, "throws", () => {
    throw new TypeError("on purpose");
  });
  await rejects(loop.run(9), { message: "on purpose" });
  deepStrictEqual([loop.now, loop.steps], [6.5, 7]);
});
