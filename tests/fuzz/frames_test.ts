import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readCorpus, type Sample } from "./corpus.ts";
import { registration } from "./frames.ts";
import {
  connectAgent,
  type HostileAgent,
  isOpen,
  show,
  submit,
  Victim,
  type Who,
} from "./hostile.ts";
import { HANG_MS_MAX, Target } from "./target.ts";
import { frame, type FrameParts, RawWebSocket } from "./web_socket.ts";

/** What becomes of a connection: `open`, or the code it was closed with. */
async function endOf({ socket }: HostileAgent, who: Who): Promise<string> {
  const open = await isOpen(socket, who);
  return open ? "open" : String(await socket.closed(HANG_MS_MAX));
}

/** Sends the lines of a sample, each as a text frame. */
async function say(agent: HostileAgent, { bytes }: Sample): Promise<void> {
  const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  for (const line of lines) {
    const text = line.replaceAll("{EPOCH}", agent.epoch)
      .replaceAll("{AGENT}", agent.id).replaceAll("{OWN}", agent.own);
    await agent.socket.send(frame(text));
  }
}

Deno.test("a control plane answers every frame of the corpus as it should, and nobody else suffers", async () => {
  await using target = await Target.startCp();
  using victim = await Victim.start(target);
  const wrong: string[] = [];
  const states: [path: string, id: string, state: string][] = [];
  for (const [i, sample] of (await readCorpus("frames")).entries()) {
    const [, end = "", who = "", state = ""] =
      /^(\w+?) (\w+?)_(\w+)$/.exec(sample.answer) ?? [];
    using agent = await connectAgent(target, `hostile-${i}`, who as Who);
    await say(agent, sample);
    const found = await endOf(agent, who as Who);
    if (found !== end) wrong.push(`${sample.path}: ${found}`);
    if (agent.own !== "") states.push([sample.path, agent.own, state]);
  }
  await target.mustBeWell(); // and has committed all that came before
  for (const [path, id, state] of states) {
    const found = (await show(target, id)).state;
    if (found !== state) wrong.push(`${path}: ${found}`);
  }
  strictEqual(wrong.join("\n"), "");
  await victim.mustBeUnharmed();
});

const BEAT = JSON.stringify({
  type: "heartbeat",
  timestamp: "2026-11-23T05:04:27Z",
});

/** Frames that break the rules of RFC 6455, or that agents do not send, and what they are closed with. */
const BROKEN: Readonly<
  Record<
    string,
    readonly [code: number, payload: Uint8Array | string, parts: FrameParts]
  >
> = {
  "binary": [4400, Uint8Array.of(1), { opcode: 2 }],
  "an empty binary one": [4400, "", { opcode: 2 }],
  "not masked": [1002, "{}", { masked: false }],
  "compressed": [1002, "{}", { reserved: 4 }],
  "with the second reserved bit": [1002, "{}", { reserved: 2 }],
  "with the third reserved bit": [1002, "{}", { reserved: 1 }],
  "with an opcode that is none": [1002, "{}", { opcode: 3 }],
  "with a control opcode that is none": [1002, "{}", { opcode: 11 }],
  "a part without a beginning": [1002, "{}", { opcode: 0 }],
  "a ping in parts": [1002, "", { opcode: 9, fin: false }],
  "a ping that is too long": [1002, "x".repeat(126), { opcode: 9 }],
  "not UTF-8": [1007, Uint8Array.of(0xff), {}],
  "a close with one byte": [1002, "x", { opcode: 8 }],
  "a close with a code that is none": [1002, "\u0000\u0001", { opcode: 8 }],
  "13 MiB by its word": [1009, "", { length: 13 * 1024 * 1024 }],
  "2^53 bytes by its word": [1009, "", { length: 2 ** 53 }],
};

Deno.test("a control plane closes connections that are no proper WebSocket", async () => {
  await using target = await Target.startCp();
  using victim = await Victim.start(target);
  for (const who of ["none", "v1", "v2"] as const) {
    let i = 0;
    for (const [name, [code, payload, parts]] of Object.entries(BROKEN)) {
      using agent = await connectAgent(target, `broken-${who}-${++i}`, who);
      await agent.socket.send(frame(payload, parts));
      strictEqual(
        await agent.socket.closed(HANG_MS_MAX),
        code,
        `${who}: ${name}`,
      );
    }
  }
  // A length of 2^63 cannot even be written as a number.
  using agent = await connectAgent(target, "broken", "v2");
  await agent.socket.send(Uint8Array.of(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0));
  ok([1002, 1009].includes(await agent.socket.closed(HANG_MS_MAX) ?? 0));
  await victim.mustBeUnharmed();
  await target.mustBeWell();
});

/** Messages of an agent that sends several frames in one, and what becomes of the connection. */
const SEVERAL: Readonly<
  Record<string, readonly [end: string, payload: string, parts?: FrameParts]>
> = {
  "as many as may be": ["open", Array(32).fill(BEAT).join("\n")],
  "one more": ["4400", Array(33).fill(BEAT).join("\n")],
  "a megabyte of empty lines": ["4400", "\n".repeat(1024 * 1024)],
  "an empty line at the end": ["4400", `${BEAT}\n`],
  "an empty line between two": ["4400", `${BEAT}\n\n${BEAT}`],
  "no JSON between two": ["4400", `${BEAT}\nno JSON\n${BEAT}`],
  "a frame over two lines": ["4400", BEAT.replace(",", ",\n")],
  "white space": ["4400", " \n "],
  "other line breaks": ["4400", `${BEAT}\r\u2028${BEAT}`],
  "a frame that is too long": [
    "4413",
    `${BEAT}\n{"type":"${"x".repeat(600 * 1024)}"}`,
  ],
  "binary": ["4400", `${BEAT}\n${BEAT}`, { opcode: 2 }],
  "unknown types": ["open", '{"type":"a"}\n{"type":"b"}'],
};

Deno.test("a control plane takes several frames in a message of an agent that says so, up to a limit", async () => {
  await using target = await Target.startCp();
  using victim = await Victim.start(target);
  let i = 0;
  for (const [name, [end, payload, parts]] of Object.entries(SEVERAL)) {
    using socket = await RawWebSocket.connect(target.port);
    const hello = JSON.stringify(registration(`several-${++i}`, 2));
    await socket.send(frame(`\n${hello}`));
    const welcome = () =>
      socket.messages.some(({ type }) => type === "welcome");
    ok(await socket.until(welcome, HANG_MS_MAX)); // from then on frames are bounded
    await socket.send(frame(payload, parts));
    const open = await isOpen(socket, "v2");
    const found = open ? "open" : String(await socket.closed(HANG_MS_MAX));
    strictEqual(found, end, name);
  }
  await victim.mustBeUnharmed();
  await target.mustBeWell();
});

Deno.test("a control plane takes a message in fragments, with a ping between them", async () => {
  await using target = await Target.startCp();
  using agent = await connectAgent(target, "fragments", "v2");
  const beat = JSON.stringify({ type: "heartbeat", timestamp: "in pieces" });
  for (const [i, byte] of [...beat].entries()) {
    const last = i === beat.length - 1;
    await agent.socket.send(
      frame(byte, { opcode: i === 0 ? 1 : 0, fin: last }),
    );
    await agent.socket.send(frame("between", { opcode: 9 }));
  }
  const { socket } = agent;
  ok(
    await socket.until(
      () => socket.messages.some(({ timestamp }) => timestamp === "in pieces"),
      HANG_MS_MAX,
    ),
  );
  await target.mustBeWell();
});

Deno.test("a control plane closes a registered agent that keeps a message of 12 MiB open, at its idle timeout", async () => {
  await using target = await Target.startCp(
    "--heartbeat-interval",
    "100ms",
    "--idle-timeout",
    "500ms",
  );
  using agent = await connectAgent(target, "unfinished", "v2");
  await agent.socket.send(frame("x".repeat(100_000), { fin: false }));
  strictEqual(await agent.socket.closed(HANG_MS_MAX), 4408);
  await target.mustBeWell();
});

Deno.test("a control plane drops an agent that reads nothing, and gives its events to the next session", async () => {
  await using target = await Target.startCp();
  const deaf = await RawWebSocket.connect(target.port, { deaf: true });
  await deaf.json(registration("deaf", 2));
  const payload = { a: "x".repeat(4 * 1024 * 1024) };
  const ids = Array.from({ length: 4 }, (_, i) => `large-${i}`);
  for (const id of ids) await submit(target, id, "deaf", { payload });
  // What it says is too much to be answered to somebody who does not read.
  const beat = frame(JSON.stringify({ type: "heartbeat", timestamp: "x" }));
  for (let i = 0; i < 40_000; i++) if (!await deaf.send(beat)) break;
  using next = await RawWebSocket.connect(target.port);
  await next.json(registration("deaf", 2));
  const parts = () => next.messages.filter(({ type }) => type === "part");
  ok(await next.until(() => parts().length >= 8, HANG_MS_MAX));
  deaf[Symbol.dispose]();
  const { items } = await (await fetch(`${target.url}/v2/events`)).json();
  deepStrictEqual(
    items.map(({ state }: { readonly state: string }) => state),
    // The newest first: four of them are more than an agent may have at a time.
    ["queued", "assigned", "assigned", "assigned"],
  );
  await target.mustBeWell();
});
