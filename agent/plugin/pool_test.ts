import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { Pool } from "./pool.ts";
import type { PluginProcess } from "./process.ts";

const NEVER = new AbortController().signal;

/** A pool whose processes do not start. */
function brokenPool() {
  const clock = new TestClock();
  const starts: number[] = [];
  const begun = clock.now();
  const pool = new Pool({
    start(): Promise<PluginProcess> {
      starts.push(clock.now() - begun);
      return Promise.reject(new TransporterError("plugin_failed", "No"));
    },
    clock,
    rng: { next: () => 0.999_999 },
  });
  return { pool, clock, starts };
}

Deno.test("Pool.take() starts a plugin that failed anew with growing pauses", async () => {
  const { pool, clock, starts } = brokenPool();
  for (let i = 0; i < 5; i++) {
    const taken = rejects(pool.take(NEVER), { code: "plugin_failed" });
    await clock.advance(100_000);
    await taken;
  }
  const pauses = starts.map((at, i) => Math.round(at - i * 100_000));
  deepStrictEqual(pauses, [0, 100, 200, 400, 800]);
});

Deno.test("Pool.take() makes no pause for what others wait behind", async () => {
  const { pool, starts } = brokenPool();
  for (let i = 0; i < 5; i++) {
    await rejects(pool.take(NEVER, { hurried: true }), {
      code: "plugin_failed",
    });
  }
  deepStrictEqual(starts, [0, 0, 0, 0, 0]);
});

Deno.test("Pool.take() gives up while it waits when its signal aborts", async () => {
  const { pool, clock, starts } = brokenPool();
  await rejects(pool.take(NEVER), { code: "plugin_failed" });
  const abort = new AbortController();
  const taken = rejects(pool.take(abort.signal), { code: "cancelled" });
  abort.abort(new TransporterError("cancelled", "No more"));
  await taken;
  await clock.advance(100_000);
  strictEqual(starts.length, 1);
});
