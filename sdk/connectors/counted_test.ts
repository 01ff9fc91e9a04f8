import { deepStrictEqual, ok, rejects, throws } from "node:assert/strict";
import fc from "fast-check";
import { CountedIn, CountedOut } from "./counted.ts";

/** What the medium does to each request. */
const FATES = ["arrives", "lost", "answer lost", "twice", "late"] as const;

/** Sends frames through requests that are lost, repeated and late, as either direction of a wire does. */
async function through(
  frames: readonly string[],
  fates: readonly (typeof FATES)[number][],
  charsMax: number,
): Promise<string[]> {
  const out = new CountedOut();
  const into = new CountedIn();
  const late: [number, readonly string[]][] = [];
  let sent = 0;
  for (let i = 0; out.confirmed < frames.length; i++) {
    const fate = fates[i] ?? "arrives";
    while (sent < Math.min(frames.length, i + 2)) {
      await out.send(frames[sent++] ?? "");
    }
    const after = out.confirmed;
    const batch = out.after(after, charsMax);
    if (fate === "lost") continue;
    if (fate === "late") {
      late.push([after, batch]);
      continue;
    }
    into.take(after, batch);
    if (fate === "twice") into.take(after, batch);
    for (const [number, old] of late.splice(0)) into.take(number, old);
    if (fate !== "answer lost") out.confirm(after + batch.length);
  }
  into.close();
  return await Array.fromAsync(into.frames);
}

Deno.test("Counted frames arrive once and in order, whatever the medium loses, repeats and delays", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 9 }), { maxLength: 30 }),
      fc.array(fc.constantFrom(...FATES), { maxLength: 60 }),
      fc.integer({ min: 1, max: 40 }),
      async (frames, fates, charsMax) => {
        deepStrictEqual(await through(frames, fates, charsMax), frames);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("CountedOut refuses numbers that were never given, and those long confirmed", async () => {
  const out = new CountedOut();
  await out.send("1");
  throws(() => out.confirm(2), { code: "bad_frame" });
  out.confirm(1);
  throws(() => out.after(0, 9), { code: "conflict" });
  out.confirm(0); // late, and harmless
  deepStrictEqual(out.after(1, 9), []);
  out.close();
  await rejects(out.send("2"), { code: "unavailable" });
});

Deno.test("CountedOut.send() waits for room, and goes on in order when frames are confirmed", async () => {
  const out = new CountedOut();
  const long = "x".repeat(1024 * 1024);
  await out.send(long);
  const sends = ["2", "3"].map((frame) => out.send(frame));
  deepStrictEqual(out.last, 1);
  out.confirm(1);
  await Promise.all(sends);
  deepStrictEqual(out.after(1, 9), ["2", "3"]);
});

Deno.test("CountedIn refuses a gap, and tells when there is room", async () => {
  const into = new CountedIn();
  throws(() => into.take(1, ["2"]), { code: "bad_frame" });
  await into.room;
  into.take(0, ["x".repeat(1024 * 1024), "y"]);
  let room = false;
  into.room.then(() => room = true);
  await new Promise((resolve) => setTimeout(resolve));
  ok(!room);
  await into.frames[Symbol.asyncIterator]().next();
  await into.room;
});
