import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { Turns } from "./turns.ts";

/** Uses up the time of a turn. */
function work(): void {
  const until = performance.now() + 10;
  while (performance.now() < until);
}

Deno.test("Turns gives timers their turn between pieces of work that wait for nothing", async () => {
  const turns = new Turns();
  let timers = 0;
  let over = false;
  const ticking = (async () => {
    while (!over) {
      await setTimeout(1);
      timers++;
    }
  })();
  const seen = await Promise.all(
    Array.from({ length: 5 }, () =>
      turns.run(() => {
        work();
        return Promise.resolve(timers);
      })),
  );
  over = true;
  await ticking;
  strictEqual(new Set(seen).size, 5);
});

Deno.test("Turns begins short pieces of work at once and in their order, and hands on how they end", async () => {
  const turns = new Turns();
  const order: number[] = [];
  const running = [1, 2, 3].map((piece) =>
    turns.run(() => Promise.resolve(order.push(piece)))
  );
  deepStrictEqual(order, [1, 2, 3]);
  deepStrictEqual(await Promise.all(running), [1, 2, 3]);
  await rejects(
    turns.run(() => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
  await setTimeout(1); // the turn is over
});
