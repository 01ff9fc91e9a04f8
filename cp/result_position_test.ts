import { rejects, strictEqual } from "node:assert/strict";
import { silentLogger } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { ResultPosition } from "./result_position.ts";
import { openMemoryStore } from "./store/memory.ts";
import type { Store } from "./store/store.ts";

/** A store that several control planes may have open. */
function shared(store: Store): Store {
  return new Proxy(store, {
    has: (target, name) => name === "listen" || name in target,
    get(target, name: keyof Store) {
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function twoOf(store: Store, clock: TestClock) {
  const rng = { next: () => 0.5 };
  const options = { store, tenant: "default", name: "a", clock, rng };
  const made = [1, 2].map(() =>
    new ResultPosition({ ...options, log: silentLogger })
  );
  for (const position of made) await position.open();
  const [first, second] = made;
  if (first === undefined || second === undefined) throw new TypeError();
  return [first, second] as const;
}

const { signal } = new AbortController();

Deno.test("ResultPosition lets one of several tell, and another one at once when it stops", async () => {
  const clock = new TestClock();
  await using memory = openMemoryStore({ clock });
  const [first, second] = await twoOf(shared(memory), clock);
  await first.claim(signal);
  let claimed = false;
  const claiming = second.claim(signal).then(() => claimed = true);
  await settle();
  strictEqual(claimed, false);
  await first.renew();
  await first.release();
  await clock.advance(5000);
  await claiming;
  await second.renew();
});

Deno.test("ResultPosition lets another one tell when who did so has vanished, and not both", async () => {
  const clock = new TestClock();
  await using memory = openMemoryStore({ clock });
  const [first, second] = await twoOf(shared(memory), clock);
  await first.claim(signal);
  const claiming = second.claim(signal);
  for (let i = 0; i < 10; i++) {
    await clock.advance(5000);
    await settle();
  }
  await claiming;
  await rejects(first.renew(), { code: "superseded" });
});

Deno.test("ResultPosition writes down what was told, and seldom what is nobody's end", async () => {
  const clock = new TestClock();
  await using store = openMemoryStore({ clock });
  const [position] = await twoOf(store, clock);
  const kept = () => store.getMark("default", "results a");
  strictEqual(await kept(), 0);
  position.passed(100);
  await position.keep();
  strictEqual(await kept(), 0);
  position.told(101);
  await position.keep();
  strictEqual(await kept(), 101);
  position.passed(6000);
  await position.keep();
  strictEqual(await kept(), 6000);
});
