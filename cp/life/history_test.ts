import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type EventStatus, isTerminal } from "@transporter/sdk";
import { changeRecord } from "../store/record.ts";
import type { EventChange, EventRecord } from "../store/store.ts";
import { NOW, record, status } from "../testing/records.ts";
import { bounded, ENTRIES_MAX, HISTORY_BYTES_MAX } from "./history.ts";

/** A history as a store keeps it. */
class Kept {
  readonly entries: EventStatus[] = [status({ state: "queued" })];
  at: EventRecord = record({ state: "queued", revision: 1 });

  add(change: EventChange): void {
    const next = bounded(this.at, change);
    if (next.replaces) this.entries.pop();
    this.entries.push(next.status);
    this.at = changeRecord(this.at, next, { at: NOW });
  }

  say(fields: Partial<EventStatus>): void {
    const said = status(fields);
    this.add({
      status: said,
      ...(isTerminal(said.state) ? { finishedAt: NOW } : {}),
    });
  }
}

Deno.test("bounded() keeps 1,000 entries: the first, the newest and the last", () => {
  const kept = new Kept();
  for (let i = 0; i < 3000; i++) kept.say({ message: `step ${i}` });
  strictEqual(kept.entries.length, ENTRIES_MAX - 1);
  strictEqual(kept.entries[0]?.state, "queued");
  const newest = kept.entries.at(-1);
  strictEqual(newest?.message, "step 2999");
  deepStrictEqual(newest?.details, {
    truncated: true,
    coalesced: 3000 - (ENTRIES_MAX - 2),
  });
  kept.say({ state: "completed", message: "done" });
  strictEqual(kept.entries.length, ENTRIES_MAX);
  deepStrictEqual(
    kept.entries.slice(-2).map(({ message }) => message),
    ["step 2999", "done"],
  );
  strictEqual(kept.at.revision, 3002, "revisions go on");
});

Deno.test("bounded() keeps 256 KiB, and shortens what does not fit", () => {
  const kept = new Kept();
  const details = { text: "x".repeat(100 * 1024) };
  for (let i = 0; i < 5; i++) kept.say({ message: `step ${i}`, details });
  deepStrictEqual(
    kept.entries.map(({ details: facts }) =>
      facts?.["truncated"] ?? facts?.["text"] !== undefined
    ),
    [false, true, true, true, true, true],
  );
  ok(JSON.stringify(kept.entries).length <= HISTORY_BYTES_MAX);
  deepStrictEqual(kept.entries[2]?.details, details);
  deepStrictEqual(kept.entries[3]?.details, { truncated: true });
});

Deno.test("bounded() does not shorten what ends an event, nor replaces it", () => {
  const kept = new Kept();
  for (let i = 0; i < 1200; i++) kept.say({ message: `step ${i}` });
  const result = {
    success: true,
    completed_at: "",
    duration: 1,
    output: "x".repeat(HISTORY_BYTES_MAX),
  };
  kept.say({ state: "completed", result });
  kept.add({ status: status({ state: "queued" }), reopens: true });
  kept.say({ state: "in_progress", message: "again" });
  const last = kept.entries.at(-2);
  strictEqual(last?.state, "completed");
  deepStrictEqual(last?.result, result);
  strictEqual(kept.entries.at(-1)?.message, "again");
});

Deno.test("bounded() keeps who asked for something", () => {
  const kept = new Kept();
  for (let i = 0; i < 1200; i++) kept.say({ message: `step ${i}` });
  kept.say({ details: { principal: "alice", reason: "x" } });
  strictEqual(kept.entries.at(-1)?.details?.["principal"], "alice");
});

const STEP = fc.record({
  state: fc.constantFrom("in_progress", "queued", "completed"),
  size: fc.constantFrom(10, 3000, 120_000),
  times: fc.integer({ min: 1, max: 200 }),
});

function sizeOf(entry: EventStatus): number {
  return new TextEncoder().encode(JSON.stringify(entry)).length;
}

Deno.test("bounded() counts what is kept, whatever comes", () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 10 }), (steps) => {
      const kept = new Kept();
      let ends = 0;
      for (const { state, size, times } of steps) {
        const message = "m".repeat(Math.min(size, 4096));
        const details = { text: "ü".repeat(size / 2) };
        for (let i = 0; i < times; i++) {
          if (isTerminal(kept.at.state)) {
            ends++;
            kept.add({ status: status({ state: "queued" }), reopens: true });
          }
          kept.say({ state, message, details });
        }
      }
      const { history = { replaced: 0, bytes: 0 } } = kept.at.notes;
      strictEqual(kept.at.revision - history.replaced, kept.entries.length);
      const added = kept.entries.slice(1);
      const whole = added.reduce((sum, entry) => sum + sizeOf(entry), 0);
      strictEqual(history.bytes, whole);
      if (ends > 0) return;
      ok(kept.entries.length <= ENTRIES_MAX);
      const passing = added.filter(({ state }) => !isTerminal(state));
      const bytes = passing.reduce((sum, entry) => sum + sizeOf(entry), 0);
      ok(bytes <= HISTORY_BYTES_MAX, `${bytes} bytes`);
    }),
    { numRuns: 25 },
  );
});
