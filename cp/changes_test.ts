import { rejects, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import { Changes } from "./changes.ts";

function hub(newest = 0): {
  readonly changes: Changes;
  readonly range: { oldest: number; newest: number };
} {
  const range = { oldest: 1, newest };
  const store = { changeRange: () => Promise.resolve({ ...range }) };
  return { changes: new Changes({ store }), range };
}

const { signal } = new AbortController();

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(() => done = true, () => done = true);
  await settle();
  return done;
}

Deno.test("Changes.wait() resolves at once when the store has something newer", async () => {
  const { changes } = hub(8);
  await changes.wait(7, { signal });
  strictEqual(changes.waiting, 0);
});

Deno.test("Changes.wait() resolves with the next change", async () => {
  const { changes } = hub(7);
  const waits = [changes.wait(7, { signal }), changes.wait(7, { signal })];
  strictEqual(await settled(Promise.race(waits)), false);
  changes.notify();
  await Promise.all(waits);
  strictEqual(changes.waiting, 0);
});

Deno.test("Changes.wait() does not miss a change between the look and the wait", async () => {
  const { changes } = hub(7);
  const wait = changes.wait(7, { signal });
  changes.notify(); // before the store has answered "7"
  await wait;
});

Deno.test("Changes.wait() rejects with the signal's reason, before and in the middle", async () => {
  const { changes } = hub(7);
  const reason = new Error("left");
  const before = AbortSignal.abort(reason);
  await rejects(changes.wait(7, { signal: before }), reason);
  const controller = new AbortController();
  const wait = changes.wait(7, controller);
  await settle();
  controller.abort(reason);
  await rejects(wait, reason);
  strictEqual(changes.waiting, 0);
});

Deno.test("Changes.wait() rejects with what the store throws", async () => {
  const error = new Error("store");
  const changes = new Changes({
    store: { changeRange: () => Promise.reject(error) },
  });
  await rejects(changes.wait(0, { signal }), error);
  strictEqual(changes.waiting, 0);
});

Deno.test("Changes.listen() calls back each time, until it is disposed", () => {
  const { changes } = hub();
  let heard = 0;
  const listening = changes.listen(() => heard++);
  changes.notify();
  changes.notify();
  listening[Symbol.dispose]();
  changes.notify();
  strictEqual(heard, 2);
});
