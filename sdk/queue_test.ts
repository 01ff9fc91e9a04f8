import { deepStrictEqual, rejects, throws } from "node:assert/strict";
import { Queue } from "./queue.ts";

Deno.test("Queue yields what waits, then ends", async () => {
  const queue = new Queue<number>(3);
  queue.push(1);
  queue.push(2);
  queue.close();
  queue.close(new Error("too late"));
  queue.push(3);
  deepStrictEqual(await Array.fromAsync(queue), [1, 2]);
});

Deno.test("Queue wakes its consumer", async () => {
  const queue = new Queue<number>(3);
  const all = Array.fromAsync(queue);
  await Promise.resolve();
  queue.push(1);
  await Promise.resolve();
  queue.push(2);
  queue.close();
  deepStrictEqual(await all, [1, 2]);
});

Deno.test("Queue yields what waits before it throws", async () => {
  const queue = new Queue<number>(3);
  queue.push(1);
  queue.close(new Error("broken"));
  const got: number[] = [];
  await rejects(async () => {
    for await (const item of queue) got.push(item);
  }, { message: "broken" });
  deepStrictEqual(got, [1]);
});

Deno.test("Queue refuses more than its bound", () => {
  const queue = new Queue<number>(1);
  queue.push(1);
  throws(() => queue.push(2), { code: "exhausted" });
});

Deno.test("Queue refuses what is too heavy beside what waits, and takes it alone", async () => {
  const queue = new Queue<number>(10, 100);
  queue.push(1, 60);
  queue.push(2, 40);
  throws(() => queue.push(3, 1), { code: "exhausted" });
  const items = queue[Symbol.asyncIterator]();
  await items.next();
  await items.next();
  queue.push(4, 500);
  throws(() => queue.push(5, 1), { code: "exhausted" });
  deepStrictEqual((await items.next()).value, 4);
  queue.push(6, 100);
  queue.close();
  deepStrictEqual((await items.next()).value, 6);
});
