import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import { Recent } from "./recent.ts";

Deno.test("Recent.find() looks once a second for each key, from when it began to look", async () => {
  const clock = new TestClock();
  const recent = new Recent<number>(clock);
  let looks = 0;
  const find = (key: string) =>
    recent.find(key, () => Promise.resolve(++looks));
  deepStrictEqual([await find("a"), await find("a"), await find("b")], [
    ...[1, 1, 2],
  ]);
  await clock.advance(999);
  strictEqual(await find("a"), 1);
  await clock.advance(1);
  strictEqual(await find("a"), 3);
  const slow = recent.find("c", async () => {
    await clock.advance(1_000);
    return ++looks;
  });
  strictEqual(await slow, 4);
  strictEqual(await find("c"), 5);
});

Deno.test("Recent.find() keeps nothing of what failed, and nothing after clear()", async () => {
  const recent = new Recent<number>(new TestClock());
  await rejects(recent.find("a", () => Promise.reject(new Error("no"))), /no/);
  strictEqual(await recent.find("a", () => Promise.resolve(1)), 1);
  const { promise, resolve } = Promise.withResolvers<number>();
  const slow = recent.find("b", () => promise);
  recent.clear();
  resolve(2);
  strictEqual(await slow, 2);
  for (const key of ["a", "b"]) {
    strictEqual(await recent.find(key, () => Promise.resolve(3)), 3);
  }
});
