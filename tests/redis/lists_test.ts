import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { added, AT, event, T, to } from "../../cp/store/testing/samples.ts";
import { startPlace } from "./store.ts";

Deno.test("a list by type reads the events of that type, and none of a type stays when its events go", async () => {
  await using place = await startPlace();
  const store = await place.open();
  await added(store, T, event("rare", { spec: { type: "rare" } }));
  for (let i = 0; i < 200; i++) await added(store, T, event(`e${i}`));
  await place.redis.ask("CONFIG", "RESETSTAT");
  const query = { type: "rare", limit: 5 };
  const found = await store.listEvents(T, query);
  deepStrictEqual(found.map(({ spec }) => spec.id), ["rare"]);
  const stats = await place.redis.ask("INFO", "commandstats");
  strictEqual(/cmdstat_hmget:calls=(\d+)/.exec(stats)?.[1], "1");

  await store.changeEvent(T, "rare", to("completed", {}, { finishedAt: AT }));
  const all = {
    finishedBefore: AT + 1,
    finishedMax: 1000,
    until: () => AT + 2,
    at: AT,
    limit: 10,
  };
  strictEqual(await store.sweep(all), 1);
  deepStrictEqual(await store.listEvents(T, query), []);
  const keys = await place.redis.ask("KEYS", "tp:trait:*");
  ok(!keys.includes("rare"), keys);
});
