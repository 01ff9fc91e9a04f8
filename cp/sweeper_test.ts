import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { takenUntil } from "./sweeper.ts";
import { event, World } from "./testing/world.ts";

const DAY = 24 * 3600_000;
const ASKED = { principal: "alice", reason: "" };

Deno.test("Sweeper removes what ended seven days ago, and keeps its id", async () => {
  await using world = await World.open();
  const fields = { ttl: 30 * DAY * 1e6 };
  await world.submit("e1", fields);
  await world.submit("open", fields);
  await world.core.operator.cancel("default", "e1", ASKED);
  await world.clock.advance(7 * DAY);
  strictEqual((await world.record("e1")).state, "cancelled");
  await world.clock.advance(60_000);
  strictEqual(await world.store.getEvent("default", "e1"), undefined);
  strictEqual((await world.record("open")).state, "queued");

  const options = { api: "v1", tenant: "default", principal: "p" } as const;
  const again = await world.core.intake.accept(event("e1", fields), options);
  deepStrictEqual(
    [again.duplicate, again.state, again.record, again.agent],
    [true, "cancelled", undefined, "edge-1"],
  );
  await rejects(
    world.core.intake.accept(event("e1", { ttl: 1e9 }), options),
    { code: "id_conflict", details: { event_id: "e1" } },
  );
});

Deno.test("Sweeper keeps so many ended events", async () => {
  const config = { eventsMax: 2 };
  await using world = await World.open({ config });
  for (let i = 0; i < 5; i++) {
    await world.submit(`e${i}`);
    await world.core.operator.cancel("default", `e${i}`, ASKED);
    await world.clock.advance(1);
  }
  await world.clock.advance(60_000);
  const left = await world.store.listEvents("default", { limit: 10 });
  deepStrictEqual(left.map(({ spec }) => spec.id), ["e4", "e3"]);
});

Deno.test("takenUntil() is ten minutes after the deadline, and a day after the acceptance at least", () => {
  const acceptedAt = 1e9;
  strictEqual(
    takenUntil({ acceptedAt, deadline: acceptedAt + 1000 }),
    acceptedAt + DAY,
  );
  strictEqual(
    takenUntil({ acceptedAt, deadline: acceptedAt + DAY }),
    acceptedAt + DAY + 600_000,
  );
});
