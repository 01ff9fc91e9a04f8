import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { EventChange, NewEvent, Store } from "../../cp/store/store.ts";
import { Loop } from "./loop.ts";
import { Machine, type Process } from "./machine.ts";
import { Random } from "./random.ts";
import { SimulatedStore, type StoreState, WELL } from "./store.ts";
import { StoreDisk } from "./store_disk.ts";

const EVENT: NewEvent = {
  spec: {
    id: "e1",
    type: "witness",
    target_agent: "edge",
    payload: {},
    created_at: "2026-11-23T05:04:27Z",
    created_by: "test",
    ttl: 1,
    priority: 0,
    labels: {},
  },
  digest: "d",
  acceptedAt: 0,
  deadline: 1,
  dueAt: 1,
  status: {
    event_id: "e1",
    agent_id: "",
    state: "queued",
    message: "",
    timestamp: "2026-11-23T05:04:27Z",
  },
};

interface Place {
  readonly loop: Loop;
  readonly disk: StoreDisk;
  readonly process: Process;
  readonly store: Store;
  /** How the store is doing. */
  readonly state: StoreState;
  /** What another process finds on the disk. */
  readonly found: () => Promise<boolean>;
}

function open(seed: number, state: Partial<StoreState> = {}): Place {
  const random = new Random(`store ${seed}`);
  const loop = new Loop(random);
  const machine = new Machine(loop, "cp", { offsetMs: 0, rate: 1 });
  const process = machine.start(random);
  const disk = new StoreDisk(random);
  const health = { ...WELL, ...state };
  const store = new SimulatedStore(disk, process, health).port();
  async function found() {
    new SimulatedStore(disk, machine.start(random), WELL);
    return await disk.store.getEvent("default", "e1") !== undefined;
  }
  return { loop, disk, process, store, state: health, found };
}

/** Creates an event, and does something at each moment of it; returns what was answered and what was found. */
async function outcomes(
  work: (place: Place) => void,
  state?: Partial<StoreState>,
): Promise<string[]> {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const place = open(seed, state);
    let answer = "unknown";
    place.store.createEvent("default", EVENT).then(
      () => answer = "ok",
      ({ code }) => answer = code,
    );
    place.loop.after(seed / 20, "fault", () => work(place));
    await place.loop.run(1000);
    seen.add(`${answer} ${await place.found()}`);
  }
  return [...seen].sort();
}

Deno.test("SimulatedStore has what it answered for after the death of its process", async () => {
  deepStrictEqual(await outcomes(({ process }) => process.kill()), [
    "ok true",
    "unknown false",
    "unknown true",
  ]);
});

Deno.test("SimulatedStore has what it answered for after a loss of power", async () => {
  const power = ({ process, disk }: Place) => {
    process.kill();
    disk.losePower();
  };
  deepStrictEqual(await outcomes(power), [
    "ok true",
    "unknown false",
    "unknown true",
  ]);
});

Deno.test("SimulatedStore that fails wrote nothing, and one whose answer is lost did", async () => {
  const nothing = () => {};
  deepStrictEqual(await outcomes(nothing, { failing: 1 }), [
    "store_unavailable false",
  ]);
  deepStrictEqual(await outcomes(nothing, { ambiguous: 1 }), [
    "store_unavailable true",
  ]);
});

Deno.test("SimulatedStore without room takes no event, and lets those that are there change", async () => {
  const { loop, store, state } = open(1);
  store.createEvent("default", EVENT);
  await loop.run(100);
  state.full = true;
  const refused = rejects(
    store.createEvent("default", {
      ...EVENT,
      spec: { ...EVENT.spec, id: "e2" },
    }),
    { code: "disk_full" },
  );
  const changed = store.changeEvent("default", "e1", () => ({
    status: { ...EVENT.status, state: "cancelled" },
  }));
  await loop.run(200);
  await refused;
  strictEqual((await changed)?.record.state, "cancelled");
});

Deno.test("SimulatedStore shows nothing before it is on the platter", async () => {
  const { loop, store } = open(1);
  const created = store.createEvent("default", EVENT);
  let written = false;
  created.then(() => written = true);
  const early: boolean[] = [];
  for (let ms = 0; ms < 20; ms += 0.1) {
    loop.after(ms, "read", async () => {
      const before = written;
      const seen = await store.getEvent("default", "e1") !== undefined;
      early.push(seen && !before && !written);
    });
  }
  await loop.run(100);
  strictEqual(written, true);
  strictEqual(early.includes(true), false);
});

Deno.test("SimulatedStore that is down neither reads nor writes", async () => {
  const { loop, store } = open(1, { down: true });
  const reading = rejects(store.getEvent("default", "e1"), {
    code: "store_unavailable",
  });
  const writing = rejects(store.probe(), { code: "store_unavailable" });
  await loop.run(100);
  await Promise.all([reading, writing]);
});

Deno.test("StoreDisk.restore() puts back what was there after so many writes", async () => {
  const { loop, disk, store } = open(1);
  store.createEvent("default", EVENT);
  await loop.run(100);
  const { length } = disk;
  store.createEvent("default", {
    ...EVENT,
    spec: { ...EVENT.spec, id: "e2" },
  });
  await loop.run(200);
  strictEqual(disk.length, length + 1);
  disk.restore(length);
  const ids = (await disk.store.listEvents("default", { limit: 9 }))
    .map(({ spec }) => spec.id);
  deepStrictEqual(ids, ["e1"]);
});

Deno.test("StoreDisk.restore() puts back what was decided, whatever would be decided now", async () => {
  const { loop, disk, store } = open(1);
  let state: "assigned" | "failed" = "assigned";
  const decide = (): EventChange => ({
    status: { ...EVENT.status, state, message: "decided" },
  });
  store.createEvent("default", EVENT);
  store.changeEvent("default", "e1", decide);
  await loop.run(100);
  state = "failed";
  for (let times = 1; times <= 2; times++) {
    disk.restore(disk.length);
    const record = await disk.store.getEvent("default", "e1");
    strictEqual(record?.state, "assigned");
  }
});
