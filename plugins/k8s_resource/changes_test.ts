import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import { Changes } from "./changes.ts";

Deno.test("Changes.since() names the event that changed an object after another one did its work", () => {
  const changes = new Changes(new TestClock());
  strictEqual(changes.since("o", "a"), undefined);
  changes.note("o", { event: "old", changed: true });
  changes.note("o", { event: "a", changed: false });
  strictEqual(changes.since("o", "a"), undefined);
  changes.note("o", { event: "b", changed: false });
  strictEqual(changes.since("o", "a"), undefined);
  changes.note("other", { event: "c", changed: true });
  strictEqual(changes.since("o", "a"), undefined);
  changes.note("o", { event: "c", changed: true });
  deepStrictEqual(
    ["a", "b", "c"].map((event) => changes.since("o", event)),
    ["c", "c", undefined],
  );
});

Deno.test("Changes forgets what was long ago", async () => {
  const clock = new TestClock();
  const changes = new Changes(clock);
  changes.note("o", { event: "a", changed: true });
  await clock.advance(600_000);
  changes.note("other", { event: "b", changed: true });
  strictEqual(changes.since("o", "z"), undefined);
});

Deno.test("Changes.listen() tells of changes, and of nothing that is the same", () => {
  const changes = new Changes(new TestClock());
  let told = 0;
  {
    using _listening = changes.listen(() => told++);
    changes.note("o", { event: "a", changed: false });
    strictEqual(told, 0);
    changes.note("o", { event: "a", changed: true });
    strictEqual(told, 1);
  }
  changes.note("o", { event: "b", changed: true });
  strictEqual(told, 1);
});

Deno.test("Changes.later() names an event that began later and had its hands on an object", () => {
  const changes = new Changes(new TestClock());
  const later = (event: string) => changes.later("o", event);
  for (const event of ["old", "a", "b", "c"]) changes.begin(event);
  changes.note("o", { event: "old", changed: true });
  strictEqual(later("a"), undefined);
  changes.note("o", { event: "b", changed: false });
  deepStrictEqual(["a", "b", "c"].map(later), ["b", undefined, undefined]);
  changes.note("o", { event: "c", changed: true });
  changes.begin("a"); // its second attempt: its place is the first one's
  deepStrictEqual(["a", "b", "c"].map(later), ["c", "c", undefined]);
  changes.note("o", { event: "a", changed: true });
  deepStrictEqual(["a", "b"].map(later), [undefined, undefined]);
  strictEqual(later("unknown"), undefined, "nobody knows when it began");
});
