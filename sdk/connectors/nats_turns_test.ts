import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Turns } from "./nats_turns.ts";

Deno.test("Turns.run() does no more at a time than it may, in order, also after a failure", async () => {
  const turns = new Turns(2);
  const began: number[] = [];
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const runs = ends.map(({ promise }, i) =>
    turns.run(async () => {
      began.push(i);
      await promise;
    })
  );
  strictEqual(turns.size, 5);
  deepStrictEqual(began, [0, 1]);
  ends[1]?.reject(new Error("no"));
  await rejects(runs[1]!, { message: "no" });
  deepStrictEqual(began, [0, 1, 2]);
  for (const { resolve } of ends) resolve();
  await Promise.all([runs[0], ...runs.slice(2)]);
  deepStrictEqual(began, [0, 1, 2, 3, 4]);
  strictEqual(turns.size, 0);
});
