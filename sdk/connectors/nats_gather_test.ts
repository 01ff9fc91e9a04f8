import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Gatherer, joined, parted } from "./nats_gather.ts";
import type { Parcel } from "./nats_parcel.ts";
import { NatsWire } from "./nats_wire.ts";
import { systemTimers } from "./timers.ts";

interface Sent {
  readonly parcel: Parcel;
  readonly data: Uint8Array;
}

/** A wire that puts frames together, and what it publishes. */
function gathering(): { readonly wire: NatsWire; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const wire = new NatsWire({
    frameBytesMax: 100,
    sendBytesMax: 1e6,
    gathers: true,
    carrier: {
      publish: (parcel, data) => void sent.push({ parcel, data }),
      release: () => Promise.resolve(),
    },
  });
  return { wire, sent };
}

Deno.test("NatsWire puts frames of one turn into one message, and the far end takes them apart", async () => {
  const near = gathering();
  const far = gathering();
  await Promise.all(["eins", "", "zwö"].map((text) => near.wire.send(text)));
  await near.wire.close(); // after what was sent
  deepStrictEqual(near.sent.map(({ parcel }) => parcel), [
    { n: 3, lengths: [4, 0, 4] },
    { n: 4, close: 1000 },
  ]);
  const [message, close] = near.sent;
  for (const { parcel, data } of [message, message, close] as Sent[]) {
    far.wire.receive(parcel, data);
  }
  deepStrictEqual(await Array.fromAsync(far.wire.frames), ["eins", "", "zwö"]);
});

for (
  const [what, parcel, code] of [
    [
      "a message of several frames is missing",
      { n: 4, lengths: [1, 1] },
      "unavailable",
    ],
    ["lengths do not fit", { n: 2, lengths: [1, 2] }, "bad_frame"],
    ["lengths cannot be read", { n: 1, lengths: [] }, "unavailable"],
  ] as const
) {
  Deno.test(`NatsWire ends when ${what}`, async () => {
    const { wire } = gathering();
    wire.receive(parcel, new TextEncoder().encode("ab"));
    await rejects(Array.fromAsync(wire.frames), { code });
  });
}

Deno.test("Gatherer publishes what would become too much, and a long frame alone", () => {
  const published: string[] = [];
  const gatherer = new Gatherer({
    bytesMax: 10,
    timers: systemTimers,
    publish: (n, frames) =>
      published.push(`${n}: ${frames.map(({ length }) => length).join()}`),
  });
  for (const [i, length] of [4, 6, 1, 12, 3].entries()) {
    gatherer.add(i + 1, new Uint8Array(length));
  }
  gatherer.flush();
  gatherer.flush();
  deepStrictEqual(published, ["2: 4,6", "3: 1", "4: 12", "5: 3"]);
  for (let n = 6; n < 71; n++) gatherer.add(n, new Uint8Array(0));
  gatherer.flush();
  strictEqual(published.at(-2)?.startsWith("69: "), true);
});

Deno.test("parted() takes apart what joined() made", () => {
  const frames = [[1, 2], [], [3]].map((bytes) => Uint8Array.from(bytes));
  const whole = joined(frames);
  deepStrictEqual(parted(whole, [2, 0, 1]), frames);
  deepStrictEqual(parted(whole), [whole]);
  strictEqual(parted(whole, [2, 2]), undefined);
  strictEqual(parted(whole, [1]), undefined);
});
