import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type StatusDelivery,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import type { Recorder, StatusOutcome } from "./recorder.ts";
import { StatusFlow } from "./status_flow.ts";
import type { Fence } from "./store/store.ts";

interface Call {
  readonly sid: number | undefined;
  readonly fence: Fence;
  readonly resolve: (outcome: StatusOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** A flow whose recorder answers when, and as, the test says. */
function open() {
  const calls: Call[] = [];
  const acked: number[] = [];
  const failures: string[] = [];
  const ignored: string[] = [];
  const recorder = {
    status(_: string, frame: StatusUpdateFrame, fence: Fence) {
      const { promise, ...how } = Promise.withResolvers<StatusOutcome>();
      calls.push({ sid: frame.sid, fence, ...how });
      return promise;
    },
  };
  const flow = new StatusFlow({
    recorder: recorder as unknown as Recorder,
    tenant: "default",
    agent: "edge-1",
    gen: 3,
    ignored: (_, outcome) => ignored.push(outcome),
    failed: ({ code }) => failures.push(code),
  });
  function delivery(sid: number): StatusDelivery {
    return {
      value: { sid } as StatusUpdateFrame,
      chars: 0,
      ack: () => acked.push(sid),
      nack: () => {},
    };
  }
  return { flow, calls, acked, failures, ignored, delivery };
}

Deno.test("StatusFlow.take() begins in order without waiting, and acknowledges what is durable", async () => {
  const { flow, calls, acked, delivery } = open();
  for (const sid of [1, 2, 3]) await flow.take(delivery(sid));
  deepStrictEqual(calls.map(({ sid }) => sid), [1, 2, 3]);
  deepStrictEqual(acked, []);
  calls[1]!.resolve("recorded");
  await settle();
  deepStrictEqual(acked, [2]);
  calls[0]!.resolve("recorded");
  calls[2]!.resolve("recorded");
  await flow.idle();
  deepStrictEqual(acked, [2, 1, 3]);
  strictEqual(flow.durableSid, 3);
});

Deno.test("StatusFlow.take() never calls a status durable before all earlier ones are", async () => {
  const { flow, calls, delivery, failures } = open();
  for (const sid of [1, 2, 3]) await flow.take(delivery(sid));
  calls[0]!.resolve("recorded");
  calls[1]!.reject(new TransporterError("store_unavailable", "Disk full"));
  calls[2]!.resolve("recorded");
  await settle();
  await flow.take(delivery(4));
  deepStrictEqual(calls.map(({ fence }) => fence.sid), [
    undefined,
    undefined,
    undefined,
    1, // not 3: 2 is lost if the agent believes that
  ]);
  deepStrictEqual(failures, ["store_unavailable"]);
  calls[3]!.resolve("recorded");
  await flow.idle();
  strictEqual(flow.durableSid, 1);
});

Deno.test("StatusFlow.take() acknowledges what it ignores, and says so", async () => {
  const { flow, calls, acked, ignored, delivery } = open();
  await flow.take(delivery(1));
  calls[0]!.resolve("unknown_event");
  await flow.idle();
  deepStrictEqual(acked, [1]);
  deepStrictEqual(ignored, ["unknown_event"]);
});

Deno.test("StatusFlow.take() waits while too many are on their way", async () => {
  const { flow, calls, delivery } = open();
  for (let sid = 1; sid <= 256; sid++) await flow.take(delivery(sid));
  let taken = false;
  const last = flow.take(delivery(257))?.then(() => taken = true);
  await settle();
  strictEqual(taken, false);
  calls[100]!.resolve("recorded");
  await last;
  strictEqual(calls.length, 257);
  for (const { resolve } of calls) resolve("recorded");
  await flow.idle();
});
