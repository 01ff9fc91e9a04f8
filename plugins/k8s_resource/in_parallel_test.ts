import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { inParallel } from "./in_parallel.ts";

/** Work that ends when it is told to, and how much of it was under way at most. */
function gated() {
  const open = new Map<number, () => void>();
  const begun: number[] = [];
  return {
    begun,
    act(item: number): Promise<void> {
      begun.push(item);
      const { promise, resolve } = Promise.withResolvers<void>();
      open.set(item, resolve);
      return promise;
    },
    async end(item: number): Promise<void> {
      open.get(item)?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
  };
}

const numbers = Array.from({ length: 12 }, (_, index) => index);

Deno.test("inParallel() works on eight at a time, in their order", async () => {
  const work = gated();
  const all = inParallel(numbers, (item) => work.act(item));
  deepStrictEqual(work.begun, numbers.slice(0, 8));
  await work.end(3);
  deepStrictEqual(work.begun, numbers.slice(0, 9));
  for (const each of numbers) await work.end(each);
  await all;
  strictEqual(work.begun.length, numbers.length);
});

Deno.test("inParallel() works on few large ones at a time, and on one that is larger than all", async () => {
  const work = gated();
  const sizes = [300_000, 200_000, 100_000, 2_000_000, 0];
  const all = inParallel(sizes.keys(), (item) => work.act(item), {
    bytesOf: (item) => sizes[item] ?? 0,
  });
  deepStrictEqual(work.begun, [0, 1]);
  await work.end(1);
  deepStrictEqual(work.begun, [0, 1, 2]);
  await work.end(0);
  deepStrictEqual(work.begun, [0, 1, 2], "the large one waits for all others");
  await work.end(2);
  deepStrictEqual(work.begun, [0, 1, 2, 3]);
  await work.end(3);
  await work.end(4);
  await all;
});

Deno.test("inParallel() begins all others when one fails, and tells of the first", async () => {
  const done: number[] = [];
  const failed = inParallel(numbers, async (item) => {
    await Promise.resolve();
    if (item % 5 === 2) throw new Error(`no ${item}`);
    done.push(item);
  });
  await rejects(failed, { message: "no 2" });
  strictEqual(done.length, 10);
});

Deno.test("inParallel() begins nothing more once it is over", async () => {
  const done: number[] = [];
  await inParallel(numbers, (item) => {
    done.push(item);
    return Promise.resolve();
  }, { isOver: () => done.length >= 3 });
  deepStrictEqual(done, [0, 1, 2]);
});
