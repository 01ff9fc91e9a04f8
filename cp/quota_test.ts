import { strictEqual, throws } from "node:assert/strict";
import { Quota } from "./quota.ts";
import type { EventRecord } from "./store/store.ts";

const LIMITS = { agentEventsMax: 2, tenantEventsMax: 3, tenantBytesMax: 1000 };

function record(agent: string, enq: number, bytes = 10): EventRecord {
  return { tenant: "t", spec: { target_agent: agent }, enq, bytes } as
    & EventRecord
    & { spec: { target_agent: string } };
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

Deno.test("Quota.load() takes over what is open; its bytes were never counted", async () => {
  const quota = new Quota(LIMITS);
  const counts = new Map([
    ["a", { states: { queued: 1, assigned: 1 }, bytes: 10 }],
  ]);
  await quota.load({ countOpen: () => Promise.resolve(counts) }, "t");
  throws(() => quota.reserve("t", { agent: "a", bytes: 1 }), {
    code: "queue_full",
  });
  quota.add(record("b", 10, 1000));
  quota.remove(record("a", 3, 500)); // accepted before the start
  throws(() => quota.reserve("t", { agent: "a", bytes: 1 }), {
    code: "queue_full",
  });
  quota.remove(record("b", 10, 1000));
  quota.reserve("t", { agent: "a", bytes: 1000 });
});
