import { rejects, strictEqual } from "node:assert/strict";
import { deadline, systemClock } from "./clock.ts";

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

const LATE = new Error("late");

/** A deadline far away, of work that something else can end, too. */
function far(signal: AbortSignal) {
  return deadline(systemClock, 60_000, { reason: LATE, signal });
}

Deno.test("deadline() aborts with its own reason, and with that of its signal", async () => {
  const parent = new AbortController();
  using soon = deadline(systemClock, 1, {
    reason: LATE,
    signal: parent.signal,
  });
  await new Promise((resolve) =>
    soon.signal.addEventListener("abort", resolve)
  );
  strictEqual(soon.signal.reason, LATE);

  const reason = new Error("given up");
  using limit = far(parent.signal);
  parent.abort(reason);
  strictEqual(limit.signal.reason, reason);
  using after = far(parent.signal);
  strictEqual(after.signal.reason, reason);
});

Deno.test("deadline() makes its reason when the time is over, and not before", async () => {
  let made = 0;
  function reason() {
    made++;
    return LATE;
  }
  deadline(systemClock, 60_000, { reason })[Symbol.dispose]();
  strictEqual(made, 0);
  using soon = deadline(systemClock, 1, { reason });
  await new Promise((resolve) =>
    soon.signal.addEventListener("abort", resolve)
  );
  strictEqual(soon.signal.reason, LATE);
  strictEqual(made, 1);
});

Deno.test("deadline() lets go of its signal when the work is over", () => {
  const parent = new AbortController();
  const limit = far(parent.signal);
  limit[Symbol.dispose]();
  parent.abort();
  strictEqual(limit.signal.aborted, false);
});
