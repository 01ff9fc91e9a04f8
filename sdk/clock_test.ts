import { rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "./clock.ts";

Deno.test("systemClock.sleep() waits longer than a timer can", async () => {
  const wake = new AbortController();
  const reason = new Error("awake");
  let over = false;
  const sleeping = systemClock.sleep(30 * 24 * 3600_000, {
    signal: wake.signal,
  });
  sleeping.then(() => over = true, () => {});
  await systemClock.sleep(20);
  strictEqual(over, false);
  wake.abort(reason);
  await rejects(sleeping, reason);
});
