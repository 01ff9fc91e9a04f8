import { rejects, strictEqual, throws } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { Quota } from "./quota.ts";
import type { Creation, EventRecord } from "./store/store.ts";

const LIMITS = { agentEventsMax: 2, tenantEventsMax: 3, tenantBytesMax: 1000 };

function record(agent: string, enq: number, bytes = 10): EventRecord {
  return {
    tenant: "t",
    spec: { id: "e", target_agent: agent },
    state: "queued",
    enq,
    bytes,
  } as EventRecord;
}

Deno.test("Quota.reserve() refuses beyond what an agent may have open", () => {
  const quota = new Quota(LIMITS);
  quota.add(record("a", 1));
  using _ = quota.reserve("t", { agent: "a", bytes: 10 });
  const full = { code: "queue_full", retryable: true };
  throws(() => quota.reserve("t", { agent: "a", bytes: 10 }), full);
  quota.reserve("t", { agent: "b", bytes: 10 });
  throws(() => quota.reserve("t", { agent: "c", bytes: 10 }), full);
  quota.reserve("other tenant", { agent: "a", bytes: 10 });
});

Deno.test("Quota.reserve() gives its room back once, and ends give back theirs", () => {
  const quota = new Quota(LIMITS);
  const room = quota.reserve("t", { agent: "a", bytes: 1000 });
  const full = { code: "queue_full" };
  throws(() => quota.reserve("t", { agent: "b", bytes: 1 }), full);
  room[Symbol.dispose]();
  room[Symbol.dispose]();
  quota.add(record("a", 1, 1000));
  throws(() => quota.reserve("t", { agent: "b", bytes: 1 }), full);
  strictEqual(quota.openOf("t", "a"), 1);
  quota.remove(record("a", 1, 1000));
  strictEqual(quota.openOf("t", "a"), 0);
  quota.reserve("t", { agent: "b", bytes: 1000 });
});

Deno.test("Quota.load() takes over what is open, with its bytes", async () => {
  const quota = new Quota(LIMITS);
  const counts = new Map([
    ["a", { states: { queued: 1, assigned: 1 }, bytes: 500 }],
  ]);
  await quota.load({ countOpen: () => Promise.resolve(counts) }, "t");
  const full = { code: "queue_full" };
  throws(() => quota.reserve("t", { agent: "a", bytes: 1 }), full);
  throws(() => quota.reserve("t", { agent: "b", bytes: 501 }), full);
  quota.remove(record("a", 3, 500));
  using _ = quota.reserve("t", { agent: "a", bytes: 1000 });
});

Deno.test("Quota.follow() does not drift when nobody knows whether an event was stored", async () => {
  const lost = new TransporterError("store_unavailable", "No answer");
  const stored = (created: boolean) =>
    Promise.resolve({ created, record: record("a", 1) } as Creation);
  const quota = new Quota(LIMITS);
  // It was stored, and ends before anybody finds out.
  await rejects(quota.follow("t", "e", Promise.reject(lost)));
  strictEqual(quota.openOf("t", "a"), 0);
  quota.remove(record("a", 1));
  strictEqual(quota.openOf("t", "a"), 0);
  // It was stored, and its producer submits it once more.
  await rejects(quota.follow("t", "e", Promise.reject(lost)));
  await quota.follow("t", "e", stored(false));
  strictEqual(quota.openOf("t", "a"), 1);
  await quota.follow("t", "e", stored(false));
  strictEqual(quota.openOf("t", "a"), 1);
  quota.remove(record("a", 1));
  strictEqual(quota.openOf("t", "a"), 0);
  // It was not stored, and is when its producer submits it once more.
  await rejects(quota.follow("t", "e", Promise.reject(lost)));
  await quota.follow("t", "e", stored(true));
  strictEqual(quota.openOf("t", "a"), 1);
  quota.remove(record("a", 1));
  strictEqual(quota.openOf("t", "a"), 0);
  // A refusal leaves no doubt.
  const full = new TransporterError("disk_full", "No room");
  await rejects(quota.follow("t", "f", Promise.reject(full)));
  await quota.follow("t", "f", stored(false));
  strictEqual(quota.openOf("t", "a"), 0);
});
