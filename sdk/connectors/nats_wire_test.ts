import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { TransporterError, type Wire } from "../mod.ts";
import { NatsWire, type NatsWireOptions, type Parcel } from "./nats_wire.ts";

/** What a medium does to a message on its way. */
type Fate = "pass" | "drop" | "repeat" | "delay";

interface Medium {
  readonly near: NatsWire;
  readonly far: NatsWire;
  /** Everything that was published, in both directions. */
  readonly log: Parcel[];
}

/** Two wires and what is between them, which does what it is told to what goes there; all comes back. */
function connect(
  fate: () => Fate,
  options: Partial<NatsWireOptions> = {},
): Medium {
  const log: Parcel[] = [];
  let late: (() => void)[] = [];
  const common = { frameBytesMax: 1e6, sendBytesMax: 1e6, ...options };
  const release = () => Promise.resolve();
  const near: NatsWire = new NatsWire({
    ...common,
    carrier: {
      publish(parcel, data) {
        log.push(parcel);
        const arrive = () => far.receive(parcel, data);
        const what = fate();
        if (what === "delay") return void late.push(arrive);
        if (what !== "drop") arrive();
        if (what === "repeat") late.push(arrive);
        if (what === "pass") {
          for (const each of late) each();
          late = [];
        }
      },
      release,
    },
  });
  const far: NatsWire = new NatsWire({
    ...common,
    carrier: {
      publish(parcel, data) {
        log.push(parcel);
        near.receive(parcel, data);
      },
      release,
    },
  });
  return { near, far, log };
}

/** Numbers from 0 to 1 that look drawn. @see {@link https://en.wikipedia.org/wiki/Linear_congruential_generator} */
function draws(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function drain(wire: Wire): Promise<[string[], string | undefined]> {
  const frames: string[] = [];
  try {
    for await (const frame of wire.frames) frames.push(frame);
    return [frames, undefined];
  } catch (error) {
    return [frames, TransporterError.from(error).code];
  }
}

Deno.test("NatsWire delivers a part of what was sent from its beginning, each frame once, whatever is lost, repeated or late", async () => {
  const ends: Record<string, number> = {};
  for (let seed = 0; seed < 300; seed++) {
    const next = draws(seed);
    let harmed = false;
    const { near, far } = connect(() => {
      const draw = next();
      if (draw < 0.01) {
        harmed = true;
        return "drop";
      }
      if (draw < 0.02) {
        harmed = true;
        return "delay";
      }
      return draw < 0.3 ? "repeat" : "pass";
    });
    const frames = Array.from({ length: 50 }, (_, i) => `${i}`);
    const drained = drain(far);
    for (const frame of frames) await near.send(frame).catch(() => {});
    await near.close();
    await far.close(); // where the end itself was lost
    const [got, code] = await drained;
    deepStrictEqual(got, frames.slice(0, got.length), `seed ${seed}`);
    // Only the very last message, the end, may be lost without a trace.
    if (!harmed) deepStrictEqual([got.length, code], [50, undefined]);
    else if (got.length < 50) strictEqual(code, "unavailable", `seed ${seed}`);
    ends[String(code)] = (ends[String(code)] ?? 0) + 1;
  }
  ok((ends["unavailable"] ?? 0) > 50 && (ends["undefined"] ?? 0) > 50);
});

Deno.test("NatsWire tells what was taken, now and then, and sends no further than that", async () => {
  const { near, far, log } = connect(() => "pass");
  const frame = "x".repeat(64 * 1024);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 64; sent++) await near.send(frame);
  })();
  await new Promise((resolve) => setTimeout(resolve));
  strictEqual(sent, 16); // a MiB
  strictEqual(log.filter(({ taken }) => taken !== undefined).length, 0);
  const frames = far.frames[Symbol.asyncIterator]();
  for (let i = 0; i < 64; i++) await frames.next();
  await sending;
  const told = log.filter(({ taken }) => taken !== undefined);
  ok(told.length >= 12 && told.length <= 20, String(told.length));
  await near.close();
  await far.close();
});

Deno.test("NatsWire ends when the far end takes nothing for too long", async () => {
  const { near, far } = connect(() => "pass", { stallMs: 10 });
  const sending = (async () => {
    while (true) await near.send("x".repeat(256 * 1024));
  })();
  await rejects(sending, { code: "unavailable" });
  strictEqual((await drain(near))[1], "unavailable");
  await far.close();
});

Deno.test("NatsWire ends both ends with too_large for a frame that is too long", async () => {
  const { near, far } = connect(() => "pass", { frameBytesMax: 100 });
  await near.send("é".repeat(50));
  await near.send("é".repeat(51));
  const [got, code] = await drain(far);
  deepStrictEqual([got.length, code], [1, "too_large"]);
  strictEqual((await drain(near))[1], "too_large");
});

Deno.test("NatsWire.send() rejects what the server would not take", async () => {
  const { near, far } = connect(() => "pass", { sendBytesMax: 100 });
  await rejects(near.send("é".repeat(51)), {
    code: "too_large",
    message: /max_payload/,
  });
  await near.send("still open");
  await near.close();
  deepStrictEqual(await drain(far), [["still open"], undefined]);
});

Deno.test("Wire.close() of NATS is over in bounded time when the server takes nothing", async () => {
  const wire = new NatsWire({
    frameBytesMax: 100,
    sendBytesMax: 100,
    closeMs: 10,
    carrier: { publish() {}, release: () => new Promise(() => {}) },
  });
  await wire.close();
});
