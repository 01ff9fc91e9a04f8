import { strictEqual } from "node:assert/strict";
import { Link, type Wire } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { TestClock } from "@transporter/sdk/testing";
import { watch } from "./watch.ts";

Deno.test("watch() ends when nothing was heard for long enough, and not before", async () => {
  const clock = new TestClock();
  const [near, far] = memoryWires();
  await using link = new Link(near, { clock });
  const { signal } = new AbortController();
  let ended: string | undefined;
  const watching = watch(link, { clock, idleMs: 45_000, signal })
    .then((error) => ended = error?.code);
  await clock.advance(40_000);
  await far.send('{"type":"anything"}');
  await clock.advance(44_000);
  strictEqual(ended, undefined);
  await clock.advance(1000);
  strictEqual(ended, "timeout");
  await watching;
});

Deno.test("watch() ends when a frame cannot be written for long enough", async () => {
  const clock = new TestClock();
  const [near, far] = memoryWires();
  const stuck = Promise.withResolvers<void>();
  const wire: Wire = {
    frames: near.frames,
    send: () => stuck.promise,
    close: (reason) => near.close(reason),
  };
  await using link = new Link(wire, { clock });
  const { signal } = new AbortController();
  let ended: string | undefined;
  watch(link, { clock, idleMs: 45_000, signal })
    .then((error) => ended = error?.message);
  link.send({ type: "bye", reason: "x" }).catch(() => {});
  for (let i = 0; i < 3; i++) {
    strictEqual(ended, undefined);
    await clock.advance(10_000);
    await far.send('{"type":"anything"}'); // it writes, but it does not read
  }
  await clock.advance(5000);
  strictEqual(
    ended,
    "Cannot keep the session of the agent as it has not read for 30000 ms",
  );
});

Deno.test("watch() ends without a reason when it is told to", async () => {
  const clock = new TestClock();
  await using link = new Link(memoryWires()[0], { clock });
  const over = new AbortController();
  const watching = watch(link, { clock, idleMs: 45_000, signal: over.signal });
  over.abort();
  strictEqual(await watching, undefined);
  strictEqual(clock.sleeping, 0);
});
