import {
  Link,
  parseJson,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { TestClock } from "@transporter/sdk/testing";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { comeBackMs, sendAway, spreadMsOf, Turnstile } from "./turnstile.ts";

/** When an agent is to come back; `undefined` when it may pass. */
function backAfter(
  turnstile: Turnstile,
  registering: number,
): number | undefined {
  try {
    turnstile.pass(registering);
    return undefined;
  } catch (reason) {
    return comeBackMs(TransporterError.from(reason));
  }
}

Deno.test("Turnstile sends agents away while too many register, each to a time of its own", async () => {
  const clock = new TestClock();
  const turnstile = new Turnstile(clock);
  strictEqual(backAfter(turnstile, 2_000), undefined);
  const times = Array.from(
    { length: 1_000 },
    () => backAfter(turnstile, 2_001),
  );
  deepStrictEqual(times, times.map((_, i) => 3_002 + 2 * i));
  await clock.advance(1_000);
  strictEqual(backAfter(turnstile, 2_000), undefined);
  strictEqual(backAfter(turnstile, 9_999), 4_002); // after those who were told before
  await clock.advance(60_000);
  strictEqual(backAfter(turnstile, 9_999), 3_002);
});

Deno.test("sendAway() tells an agent when to come back, if it understands, and nothing else", async () => {
  const reason = new TransporterError("slow_down", "Later", {
    details: { come_back_ms: 4_000 },
  });
  const drain = {
    ...{ type: "drain", reason: "many agents register" },
    ...{ reconnect_after_ms: 4_000, jitter_ms: 500 },
  };
  const cases: readonly [number[], string[], TransporterError, unknown[]][] = [
    [[2, 1], ["drain"], reason, [drain]],
    [[2, 1], ["ack"], reason, []],
    [[1], ["drain"], reason, []], // upstream's agent would die of a number in the first reply
    [[2], ["drain"], new TransporterError("denied", "No"), []],
  ];
  for (const [versions, features, why, frames] of cases) {
    const [near, far] = memoryWires();
    await using link = new Link(near, { clock: systemClock });
    await sendAway(
      link,
      {
        ...{ type: "registration", id: "a", name: "a", cluster_name: "c" },
        ...{ version: "1", capabilities: ["script_exec"] },
        link: {
          ...{ versions, features, instance: "i" },
          ...{ window: 1, max_frame: 4096, executors: [] },
          clock: "2026-11-23T05:04:27Z",
        },
      } as Parameters<typeof sendAway>[1],
      why,
    );
    await link.close();
    const sent = await Array.fromAsync(far.frames);
    deepStrictEqual(sent.map((text) => parseJson(text)), frames);
  }
});

Deno.test("spreadMsOf() gives many agents time, and few none", () => {
  deepStrictEqual([0, 499, 500, 10_000, 1e6].map(spreadMsOf), [
    ...[0, 0, 1_000],
    ...[20_000, 60_000],
  ]);
});
