import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { eventDigest, formatTime, inventoryDigest } from "@transporter/sdk";
import {
  AgentBench,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { inventoryPages, openDigest } from "./inventory.ts";
import type { JournalEntry } from "./journal_record.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

function entry(id: string, rest: Partial<JournalEntry> = {}): JournalEntry {
  return {
    id,
    attempt: 1,
    digest: `sha256:${"0".repeat(64)}`,
    deadline: 0,
    stage: "received",
    sid: 0,
    acknowledged: false,
    ...rest,
  };
}

/** An entry whose attempt ended. */
function ended(id: string, timestamp: string, acknowledged = false) {
  return entry(id, {
    stage: "finished",
    acknowledged,
    status: {
      event_id: id,
      agent_id: "edge",
      state: "completed",
      phase: "completed",
      message: "",
      timestamp,
    },
  });
}

Deno.test("openDigest() is over all but ends that the control plane has", () => {
  const entries = [
    entry("b", { attempt: 2 }),
    entry("a", { stage: "begun" }),
    ended("owed", "2026-11-23T05:04:27Z"),
    ended("over", "2026-11-23T05:04:27Z", true),
  ];
  deepStrictEqual(
    openDigest(entries),
    inventoryDigest([
      { event_id: "a", attempt: 1 },
      { event_id: "b", attempt: 2 },
      { event_id: "owed", attempt: 1 },
    ]),
  );
});

Deno.test("inventoryPages() has everything once, by id, on pages of 200", () => {
  const ids = Array.from(
    { length: 450 },
    (_, i) => `e${String(i).padStart(3, "0")}`,
  );
  const pages = [...inventoryPages(ids.toReversed().map((id) => entry(id)))];
  deepStrictEqual(
    pages.map(({ items, more }) => [items.length, more]),
    [[200, true], [200, true], [50, false]],
  );
  deepStrictEqual(
    pages.flatMap(({ items }) => items.map(({ event_id: id }) => id)),
    ids,
  );
});

Deno.test("inventoryPages() of nothing is one page", () => {
  deepStrictEqual([...inventoryPages([])], [
    { type: "inventory", items: [], more: false },
  ]);
});

Deno.test("inventoryPages() leaves out what ended earlier, and nothing that has not ended or that the control plane has not heard of", () => {
  const since = Date.parse("2026-11-23T05:04:27Z");
  const entries = [
    ended("before", "2026-11-23T05:04:26.999Z", true),
    ended("owed", "2026-11-23T05:04:26.999Z"),
    ended("at", "2026-11-23T05:04:27Z", true),
    entry("running", { stage: "begun" }),
  ];
  const [page] = [...inventoryPages(entries, { since, statusUpto: 0 })];
  deepStrictEqual(
    page?.items.map(({ event_id: id }) => id),
    ["at", "owed", "running"],
  );
});

Deno.test("inventoryPages() leaves out no end beyond what the control plane has, whatever the clock said then", () => {
  const since = Date.parse("2026-11-23T05:04:27Z");
  const slow = "2026-11-23T03:00:00Z";
  const entries = [
    { ...ended("has", slow, true), sid: 7 },
    { ...ended("lost", slow, true), sid: 8 },
    { ...ended("later", "2026-11-23T05:04:28Z", true), sid: 3 },
  ];
  const [page] = [...inventoryPages(entries, { since, statusUpto: 7 })];
  deepStrictEqual(
    page?.items.map(({ event_id: id }) => id),
    ["later", "lost"],
  );
});

/** The pages that an agent sends, until its next heartbeat. */
async function answers(bench: AgentBench, far: FarEnd): Promise<RawFrame[]> {
  await bench.clock.advance(10_000);
  const seen: RawFrame[] = [];
  while (true) {
    const frame = await far.next();
    if (frame["type"] === "heartbeat") return seen;
    if (frame["type"] !== "status_update") seen.push(frame);
  }
}

Deno.test("Exchange answers an inventory_request with how far each attempt got", async () => {
  const executor = witness(() => {}, {
    repeatable: false,
    apply: ({ hang }) =>
      hang === true ? new Promise(() => {}) : Promise.resolve(),
  });
  await using dying = await AgentBench.open({ executor, concurrency: 1 });
  const first = await dying.accept();
  await first.registerV2();
  const specs = [
    specOf("done"),
    specOf("hanging", { payload: { hang: true } }),
    specOf("waiting"),
  ];
  for (const [i, event] of specs.entries()) {
    await first.send({ type: "event", seq: i + 1, attempt: 1, event });
  }
  await using bench = await AgentBench.open({
    executor,
    file: new MemoryJournal(dying.file),
  });
  const far = await bench.accept();
  await far.registerV2();
  await far.send({ type: "event", seq: 2, attempt: 1, event: specs[1] });
  await far.send({ type: "inventory_request" });
  const frames = await answers(bench, far);
  const at = "2026-11-23T05:04:27.000Z";
  const [done, hanging, waiting] = specs.map((spec) => eventDigest(spec));
  deepStrictEqual(frames.filter(({ type }) => type !== "ack"), [{
    type: "inventory",
    items: [
      {
        event_id: "done",
        digest: done,
        attempt: 1,
        state: "completed",
        finished_at: at,
      },
      {
        event_id: "hanging",
        digest: hanging,
        attempt: 1,
        state: "in_progress",
        finished_at: at,
        error: {
          code: "interrupted",
          message:
            'Event "hanging" was begun, and the agent ended before it was over',
        },
      },
      { event_id: "waiting", digest: waiting, attempt: 1, state: "assigned" },
    ],
    more: false,
  }]);
});

Deno.test("Exchange answers an inventory_request only with what is durable", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2();
  const gate = Promise.withResolvers<void>();
  bench.file.gate = gate.promise;
  await far.send({ type: "event", seq: 1, attempt: 1, event: specOf("e1") });
  await far.send({ type: "inventory_request" });
  deepStrictEqual(await answers(bench, far), []);
  bench.file.gate = undefined;
  gate.resolve();
  const types = (await answers(bench, far)).map(({ type }) => type).sort();
  deepStrictEqual(types, ["ack", "inventory"]);
});

Deno.test("Exchange waits for the disk no longer than its link lasts", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2();
  const gate = Promise.withResolvers<void>();
  bench.file.gate = gate.promise;
  await far.send({ type: "event", seq: 1, attempt: 1, event: specOf("e1") });
  await far.send({ type: "inventory_request" });
  await far.wire.close();
  await bench.clock.advance(5_000);
  const { length } = bench.dialled;
  bench.file.gate = undefined;
  gate.resolve();
  strictEqual(length, 2);
});

Deno.test("Exchange refuses an inventory_request since no time", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2();
  await far.send({ type: "inventory_request", since: "yesterday" });
  const [error] = await answers(bench, far);
  strictEqual(error?.["code"], "invalid");
});

Deno.test("Exchange leaves nothing out of an inventory while its machine's clock is not to be believed, nor what an older store has lost", async () => {
  const cases = [
    { aheadMs: 0, lost: 0, items: [] },
    { aheadMs: 3_600_000, lost: 0, items: ["e1"] },
    { aheadMs: 0, lost: 1, items: ["e1"] },
  ];
  for (const { aheadMs, lost, items } of cases) {
    await using bench = await AgentBench.open();
    const far = await bench.accept();
    await far.registerV2();
    await far.send({ type: "event", seq: 1, attempt: 1, event: specOf("e1") });
    let last: RawFrame = {};
    while (last["state"] !== "completed") last = await far.next();
    await far.send({ type: "status_ack", upto: last["sid"] });
    await far.wire.close();
    await bench.clock.advance(5_000);
    // It ended before that, by a clock that may have been wrong then.
    const since = formatTime(bench.clock.now() + aheadMs);
    const next = await bench.accept();
    await next.registerV2({
      server_time: since,
      status_upto: Number(last["sid"]) - lost,
    });
    await next.send({ type: "inventory_request", since });
    let page: RawFrame = {};
    while (page["type"] !== "inventory") page = await next.next();
    const found = page["items"] as readonly { readonly event_id: string }[];
    deepStrictEqual(found.map(({ event_id: id }) => id), items);
  }
});
