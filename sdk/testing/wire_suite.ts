import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  CLOSE_CODES,
  type Dial,
  type ErrorCode,
  TransporterError,
  type Wire,
} from "../mod.ts";

/** Two ends of one wire, and a way to break the medium between them without a word. */
export type WirePair = readonly [near: Wire, far: Wire, cut: () => void];

/** What {@linkcode testWire} needs from a connector. */
export interface WireHarness {
  /** Opens a connected pair; called once or more per test, closed by the suite. */
  open(): Promise<WirePair>;
}

/** What {@linkcode testDial} needs from a connector. */
export interface DialHarness {
  /** What is tested. */
  readonly dial: Dial;
  /** A place where nobody answers, however long one waits, until it is disposed. */
  silent(): Promise<AsyncDisposable & { readonly url: URL }>;
  /** A place where nobody listens. */
  readonly nobody: URL;
}

/** Far more than any buffer between two ends may hold, in frames of 64 KiB. */
const FLOOD_FRAMES = 1024;
const FLOOD_FRAME = "x".repeat(64 * 1024);

type Settled = "waiting" | "sent" | "refused";

/** Sends more than may be buffered, and waits until no more of it is taken. */
async function flood(wire: Wire): Promise<{
  readonly states: readonly Settled[];
  readonly settled: Promise<unknown>;
}> {
  const states: Settled[] = Array(FLOOD_FRAMES).fill("waiting");
  const sends = states.map((_, i) =>
    wire.send(FLOOD_FRAME).then(
      () => states[i] = "sent",
      () => states[i] = "refused",
    )
  );
  let before = -1;
  // Stopping early only makes the flood smaller.
  for (let same = 0; same < 10;) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const waiting = states.filter((state) => state === "waiting").length;
    same = waiting === before ? same + 1 : 0;
    before = waiting;
  }
  return { states, settled: Promise.all(sends) };
}

async function drain(wire: Wire): Promise<{
  readonly frames: readonly string[];
  readonly code: ErrorCode | undefined;
}> {
  const frames: string[] = [];
  try {
    for await (const frame of wire.frames) frames.push(frame);
    return { frames, code: undefined };
  } catch (error) {
    ok(error instanceof TransporterError, String(error));
    return { frames, code: error.code };
  }
}

type Case = (
  near: Wire,
  far: Wire,
  more: { readonly cut: () => void; open(): Promise<WirePair> },
) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  async "delivers frames in order, both ways"(near, far) {
    const fromNear = far.frames[Symbol.asyncIterator]();
    const fromFar = near.frames[Symbol.asyncIterator]();
    await near.send("1");
    await near.send("2");
    await far.send("3");
    strictEqual((await fromFar.next()).value, "3");
    await near.close();
    strictEqual((await fromNear.next()).value, "1");
    strictEqual((await fromNear.next()).value, "2");
    strictEqual((await fromNear.next()).done, true);
    strictEqual((await fromFar.next()).done, true);
  },

  async "delivers empty, long and non-ASCII frames whole"(near, far) {
    const frames = ["", "é🚀\u2028\u0000", "x".repeat(300_000), "🚀".repeat(9)];
    for (const frame of frames) await near.send(frame);
    await near.close();
    deepStrictEqual(await drain(far), { frames, code: undefined });
  },

  async "delivers frames in order that were sent without waiting"(near, far) {
    const frames = Array.from({ length: 500 }, (_, i) => `${i}`);
    await Promise.all(frames.map((frame) => near.send(frame)));
    await near.close();
    deepStrictEqual((await drain(far)).frames, frames);
  },

  async "rejects send() once closed from the far side"(near, far) {
    await far.close();
    deepStrictEqual(await drain(near), { frames: [], code: undefined });
    await rejects(near.send("late"), { code: "unavailable" });
  },

  async "rejects send() once closed"(near) {
    await near.close();
    await rejects(near.send("late"), { code: "unavailable" });
  },

  async "allows close() twice, and from both ends at once"(near, far) {
    await Promise.all([near.close(), far.close(), near.close()]);
    await near.close(new TransporterError("denied", "Too late to matter"));
    deepStrictEqual(await drain(near), { frames: [], code: undefined });
    deepStrictEqual(await drain(far), { frames: [], code: undefined });
  },

  async "tells the far end why it was closed, after what was sent"(
    _,
    __,
    { open },
  ) {
    for (const code of Object.keys(CLOSE_CODES) as ErrorCode[]) {
      const [near, far] = await open();
      await near.send("last");
      await near.close(new TransporterError(code, `Closed as ${code} — ok`));
      deepStrictEqual(await drain(far), { frames: ["last"], code });
      deepStrictEqual(await drain(near), { frames: [], code: undefined });
      await far.close();
    }
  },

  async "closes with a reason of any length"(near, far) {
    await near.close(new TransporterError("denied", "é🚀".repeat(300)));
    await rejects(
      async () => {
        for await (const _ of far.frames) { /* none comes */ }
      },
      (error) =>
        error instanceof TransporterError && error.code === "denied" &&
        error.message.startsWith("é🚀é🚀") && error.message.isWellFormed(),
    );
  },

  async "ends both ends when the medium breaks"(near, far, { cut }) {
    const both = Promise.all([drain(near), drain(far)]);
    cut();
    for (const { code } of await both) strictEqual(code, "unavailable");
    await rejects(near.send("late"), { code: "unavailable" });
    await rejects(far.send("late"), { code: "unavailable" });
    await near.close();
  },

  async "does not buffer without a limit"(near) {
    const { states } = await flood(near);
    ok(states.some((state) => state !== "sent"), "64 MiB were taken");
  },

  async "settles what waits to be sent when it is closed"(near, far) {
    const { settled } = await flood(near);
    const closing = near.close();
    await Promise.all([settled, closing, far.close()]);
  },

  async "delivers all that was sent to a slow reader"(near, far) {
    const frames = Array.from({ length: 64 }, (_, i) => `${i} ${FLOOD_FRAME}`);
    const sent = Promise.all(frames.map((frame) => near.send(frame)));
    const got: string[] = [];
    for await (const frame of far.frames) {
      await new Promise((resolve) => setTimeout(resolve));
      if (got.push(frame) === frames.length) break;
    }
    await sent;
    ok(got.every((frame, i) => frame === frames[i]));
  },

  async "allows to stop reading"(near, far) {
    await near.send("1");
    for await (const frame of far.frames) {
      strictEqual(frame, "1");
      break;
    }
    await near.send("2");
    await near.close();
  },
};

/**
 * Registers the tests that every {@linkcode Wire} must pass, in both
 * directions.
 *
 * @param name The connector, such as `"websocket"`.
 * @param harness How to make a connected pair of it.
 */
export function testWire(name: string, harness: WireHarness): void {
  for (const [title, run] of Object.entries(CASES)) {
    for (const direction of ["there", "back"] as const) {
      Deno.test(`${name} wire ${title} (${direction})`, async () => {
        async function open(): Promise<WirePair> {
          const [near, far, cut] = await harness.open();
          return direction === "there" ? [near, far, cut] : [far, near, cut];
        }
        const [near, far, cut] = await open();
        try {
          await run(near, far, { cut, open });
        } finally {
          await Promise.all([near.close(), far.close()]);
        }
      });
    }
  }
}

/**
 * Registers the tests that every {@linkcode Dial} must pass.
 *
 * @param name The connector, such as `"websocket"`.
 * @param harness What is tested, and where nobody answers.
 */
export function testDial(name: string, harness: DialHarness): void {
  const frameBytesMax = 512 * 1024;

  /** Tries something where nobody answers; no "using", as Node 22 cannot read it. */
  async function inSilence(trial: (url: URL) => Promise<void>): Promise<void> {
    const place = await harness.silent();
    try {
      await trial(place.url);
    } finally {
      await place[Symbol.asyncDispose]();
    }
  }

  Deno.test(`${name} dial rejects when it was aborted before`, async () => {
    const signal = AbortSignal.abort(new TransporterError("cancelled", "No"));
    await inSilence((url) =>
      rejects(harness.dial(url, { signal, frameBytesMax }), {
        code: "cancelled",
      })
    );
  });

  Deno.test(`${name} dial rejects when it is aborted while nobody answers`, async () => {
    const abort = new AbortController();
    await inSilence(async (url) => {
      const { signal } = abort;
      const dialled = harness.dial(url, { signal, frameBytesMax });
      setTimeout(() =>
        abort.abort(new TransporterError("timeout", "Too long"))
      );
      await rejects(dialled, { code: "timeout" });
    });
  });

  Deno.test(`${name} dial rejects when nobody listens`, async () => {
    const { signal } = new AbortController();
    await rejects(harness.dial(harness.nobody, { signal, frameBytesMax }), {
      code: "unavailable",
    });
  });
}
