import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Link, systemClock } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { settle } from "@transporter/sdk/testing";
import { Sending } from "./sending.ts";
import type { ReleasedEvent } from "./store/store.ts";
import { AT, event } from "./store/testing/samples.ts";

/** A released event; one that is not wanted any more if it says why. */
function released(
  seq: number,
  cancelReason?: string,
  attempt = 1,
): ReleasedEvent {
  const { spec, digest } = event(`e${seq}`);
  const notes = cancelReason === undefined
    ? {}
    : { cancel: { reason: cancelReason, at: AT } };
  const record = {
    tenant: "default",
    spec,
    digest,
    bytes: 100,
    enq: seq,
    revision: 1,
    state: "assigned" as const,
    message: "",
    attempt,
    notes,
    acceptedAt: AT,
    deadline: AT + 3_600_000,
    dueAt: AT + 3_600_000,
    updatedAt: AT,
    seq,
  };
  return { record, spec };
}

/** A sending whose stream begins at 11, and what its agent gets. */
async function bench(): Promise<{
  sending: Sending;
  flush: (...unwanted: string[]) => Promise<string[]>;
}> {
  const [near, far] = memoryWires();
  const link = new Link(near, { clock: systemClock });
  link.upgrade({ epoch: "e", frameBytesMax: 512 * 1024 });
  const seen: string[] = [];
  (async () => {
    for await (const text of far.frames) {
      const { type, seq, event_id: id } = JSON.parse(text);
      seen.push(`${type} ${seq ?? id}`);
    }
  })();
  await settle();
  const sending = new Sending({
    target: {
      agent: "edge-1",
      gen: 1,
      version: 2,
      nextSeq: 11,
      cancels: true,
      link,
      failed: () => {},
    },
    recorder: { refused: () => Promise.resolve() },
    hold: () => {},
    settled: () => {},
  });
  return {
    sending,
    async flush(...unwanted) {
      sending.flush((id) => !unwanted.includes(id));
      await settle();
      return seen;
    },
  };
}

Deno.test("Sending.seqMax leaves out numbers that the agent never hears of, so that a window of one goes on", async () => {
  const { sending, flush } = await bench();
  sending.credit(11);
  sending.add(released(11));
  await flush("e11"); // it ended before it was sent
  strictEqual(sending.seqMax, 12);
  sending.add(released(12, "operator"));
  deepStrictEqual(await flush(), ["cancel e12"]);
  strictEqual(sending.seqMax, 13);
  sending.add(released(13));
  sending.add(released(14));
  deepStrictEqual(await flush(), ["cancel e12", "event 13"]);
  strictEqual(sending.seqMax, 11); // of 13 the agent knows
  sending.credit(14);
  deepStrictEqual(await flush(), ["cancel e12", "event 13", "event 14"]);
});

Deno.test("Sending.seqMax does not count what is left out of an earlier session's events", async () => {
  const { sending, flush } = await bench();
  sending.credit(12);
  sending.add(released(9, "operator"));
  sending.add(released(10));
  await flush("e10");
  strictEqual(sending.seqMax, 12);
});

Deno.test("Sending knows which attempt is not wanted: what is heard late of one that ended withholds no other", async () => {
  const { sending, flush } = await bench();
  sending.add(released(11));
  deepStrictEqual(await flush(), ["event 11"]);
  sending.left("e11");
  const { record, spec } = released(11, "not now");
  sending.changed(record); // read before it ended, heard of after
  const again = { ...released(12, undefined, 2).record, spec };
  sending.add({ record: again, spec });
  deepStrictEqual(await flush(), ["event 11", "event 12"]);
});

Deno.test("Sending withholds an attempt that was cancelled before it heard of its release, whatever it knew of the one before", async () => {
  const { sending, flush } = await bench();
  sending.changed(released(11, "not now").record);
  sending.changed(released(11, "not ever", 2).record);
  sending.add(released(11, undefined, 2));
  deepStrictEqual(await flush(), ["cancel e11"]);
});
