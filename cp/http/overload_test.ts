import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { event, isProblem, openPlace } from "../testing/place.ts";
import { openMemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";

/** A store that keeps new events waiting until it is told to go on. */
function heldStore(count: number) {
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const store: Store = openMemoryStore();
  const create = store.createEvent.bind(store);
  let waiting = 0;
  store.createEvent = async (tenant, event) => {
    if (++waiting === count) arrived.resolve();
    await promise;
    return await create(tenant, event);
  };
  /** `arrived`: so many wait. */
  return { store, goOn, arrived: arrived.promise };
}

Deno.test("POST /events and /v2/events refuse at once while the store does not keep up, before they read a body", async () => {
  const { store, goOn, arrived } = heldStore(2);
  await using place = await openPlace({ store, config: { waitingMax: 2 } });
  const post = (id: string) =>
    place.ask("/events", { method: "POST", body: event(id) });
  const waiting = [post("e1"), post("e2")];
  await arrived;
  const refused = await post("e3");
  isProblem(refused, 503, "overloaded");
  strictEqual(refused.headers.get("retry-after"), "1");
  const raw = place.raw();
  raw.send(
    `POST /v2/events HTTP/1.1\r\nHost: ${place.host}\r\nContent-Type: application/x-ndjson\r\n` +
      "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
  );
  strictEqual((await raw.answer()).status, 503);
  raw.destroy();
  goOn();
  deepStrictEqual((await Promise.all(waiting)).map(({ status }) => status), [
    202,
    202,
  ]);
  strictEqual((await post("e3")).status, 202);
  const figures = (await place.ask("/metrics")).text;
  strictEqual(/refused_total\{code="overloaded"\} [1-9]/.test(figures), true);
});

Deno.test("POST /v2/events refuses a batch as a whole when others took the room while it was read", async () => {
  const { store, goOn, arrived } = heldStore(2);
  await using place = await openPlace({ store, config: { waitingMax: 2 } });
  const raw = place.raw();
  const lines = ["e3", "e4"].map((id) => JSON.stringify(event(id))).join("\n");
  raw.send(
    `POST /v2/events HTTP/1.1\r\nHost: ${place.host}\r\nContent-Type: application/x-ndjson\r\n` +
      `Content-Length: ${lines.length}\r\nExpect: 100-continue\r\n\r\n`,
  );
  strictEqual((await raw.answer()).status, 100); // it may send: there is room
  const waiting = ["e1", "e2"].map((id) =>
    place.ask("/events", { method: "POST", body: event(id) })
  );
  await arrived;
  raw.send(lines);
  strictEqual((await raw.answer()).status, 503);
  raw.destroy();
  goOn();
  await Promise.all(waiting);
});
