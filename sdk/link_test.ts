import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { memoryWires } from "./connectors/memory.ts";
import {
  type EventFrame,
  Link,
  type Message,
  type StatusUpdateFrame,
  systemClock,
  TransporterError,
  type Wire,
} from "./mod.ts";

function links(version: 1 | 2 = 2): [near: Link, far: Link] {
  const [a, b] = memoryWires();
  const pair: [Link, Link] = [
    new Link(a, { clock: systemClock }),
    new Link(b, { clock: systemClock }),
  ];
  if (version === 2) {
    for (const link of pair) {
      link.upgrade({ epoch: "e_1", frameBytesMax: 512 * 1024 });
    }
  }
  return pair;
}

function event(seq: number, manifest = "x"): EventFrame {
  return {
    type: "event",
    seq,
    attempt: 1,
    deadline: "2026-11-23T06:04:27Z",
    event: {
      id: `e${seq}`,
      type: "k8s_resource",
      target_agent: "a",
      payload: { manifests: [manifest] },
      created_at: "2026-11-23T05:04:27Z",
      created_by: "",
      ttl: 1e9,
      priority: 0,
      labels: {},
    },
  };
}

function status(sid: number | undefined, eventId = "e1"): StatusUpdateFrame {
  return {
    type: "status_update",
    event_id: eventId,
    agent_id: "a",
    state: "in_progress",
    phase: "received",
    message: "",
    timestamp: "2026-11-23T05:04:27Z",
    ...(sid === undefined ? {} : { sid }),
  };
}

/** Whether a promise has settled once everything that can happen has happened. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(() => done = true, () => done = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise((resolve) => setTimeout(resolve, 0));
  return done;
}

Deno.test("Link.send() of an event resolves when the far end acknowledged it, not before", async () => {
  const [near, far] = links();
  const sent = near.send(event(1));
  const receiver = far.receive()[Symbol.asyncIterator]();
  const { value } = await receiver.next();
  strictEqual(value.value.type, "event");
  strictEqual(await settled(sent), false);
  value.ack();
  await sent;
  await near.close();
});

Deno.test("Link acknowledges out of order with gaps, and in one frame a turn", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  near.upgrade({ epoch: "e_1", frameBytesMax: 512 * 1024 });
  for (const seq of [4, 5, 7, 9]) {
    await b.send(JSON.stringify(event(seq)));
  }
  const receiver = near.receive()[Symbol.asyncIterator]();
  const got = [];
  for (let i = 0; i < 4; i++) got.push((await receiver.next()).value);
  const frames = b.frames[Symbol.asyncIterator]();
  got[1].ack();
  got[2].ack();
  deepStrictEqual(JSON.parse((await frames.next()).value), {
    type: "ack",
    epoch: "e_1",
    upto: 3,
    also: [5, 7],
  });
  got[0].ack();
  got[0].ack();
  // 8 was never sent on this link, so that nothing waits for it.
  deepStrictEqual(JSON.parse((await frames.next()).value), {
    type: "ack",
    epoch: "e_1",
    upto: 8,
  });
  got[3].ack();
  deepStrictEqual(JSON.parse((await frames.next()).value), {
    type: "ack",
    epoch: "e_1",
    upto: 9,
  });
  await near.close();
});

Deno.test("Link.send() rejects with the code of the far end's nack", async () => {
  const [near, far] = links();
  const sent = near.send(event(3));
  for await (const delivery of far.receive()) {
    delivery.nack(new TransporterError("id_conflict", "Cannot take it"));
    delivery.ack(); // loses
    break;
  }
  await rejects(sent, {
    code: "id_conflict",
    message: "Cannot take it",
    details: { retry_after_ms: null },
  });
  await near.close();
});

Deno.test("Link.send() rejects with when a nacked event may be sent again", async () => {
  const [near, far] = links();
  const sent = near.send(event(3));
  for await (const delivery of far.receive()) {
    delivery.nack(new TransporterError("exhausted", "Cannot take it now"));
    break;
  }
  await rejects(sent, {
    code: "exhausted",
    details: { retry_after_ms: 1000 },
  });
  const later = near.send(event(4));
  for await (const delivery of far.receive()) {
    const details = { retry_after_ms: 30_000 };
    delivery.nack(new TransporterError("clock_skew", "Not now", { details }));
    break;
  }
  await rejects(later, {
    code: "clock_skew",
    details: { retry_after_ms: 30_000 },
  });
  await near.close();
});

Deno.test("Link.send() rejects when the wire breaks in the middle of its frame", async () => {
  const [near] = memoryWires();
  const broken = Promise.withResolvers<void>();
  const wire: Wire = {
    frames: near.frames,
    send: () => broken.promise,
    close: (reason) => near.close(reason),
  };
  const link = new Link(wire, { clock: systemClock });
  strictEqual(link.writingSince, undefined);
  const sent = link.send({ type: "bye", reason: "x" });
  ok(link.writingSince !== undefined);
  broken.reject(new TransporterError("unavailable", "Cannot send"));
  await rejects(sent, { code: "unavailable" });
  strictEqual((await link.closed)?.code, "unavailable");
});

Deno.test("Link.send() of statuses resolves up to what the control plane stored", async () => {
  const [agent, cp] = links();
  const sent = [
    agent.send(status(7)),
    agent.send(status(8)),
    agent.send(status(9)),
  ];
  const receiver = cp.receive()[Symbol.asyncIterator]();
  const got = [];
  for (let i = 0; i < 3; i++) got.push((await receiver.next()).value);
  got[1].ack(); // 8 is stored, 7 is not: nothing may be forgotten yet
  strictEqual(await settled(sent[1]!), false);
  got[0].ack();
  await Promise.all(sent.slice(0, 2));
  strictEqual(await settled(sent[2]!), false);
  got[2].ack();
  await sent[2];
  await agent.close();
});

Deno.test("Link takes the first status of an event as the v1 agent's acknowledgement", async () => {
  const [cp, agent] = links(1);
  const { seq: _, ...v1 } = event(1);
  const sent = cp.send(v1);
  strictEqual(await settled(sent), false);
  await agent.send(status(undefined, "e1"));
  await sent;
  await cp.close();
});

Deno.test("Link.send() rejects when the link ends before the acknowledgement", async () => {
  const [near, far] = links();
  const sent = near.send(event(1));
  await far.close();
  await rejects(sent, { code: "unavailable" });
  await rejects(near.send(event(2)), { code: "unavailable" });
});

Deno.test("Link sends a long message in parts, and heartbeats between them", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  near.upgrade({ epoch: "e_1", frameBytesMax: 64 * 1024 });
  const manifest = 'é"\\\n🚀'.repeat(60_000);
  const sent = near.send(event(1, manifest));
  const beat: Message = { type: "heartbeat", timestamp: "t" };
  await near.send(beat);
  const texts: string[] = [];
  const far = new Link({
    frames: {
      async *[Symbol.asyncIterator]() {
        for await (const text of b.frames) {
          texts.push(text);
          yield text;
        }
      },
    },
    send: (text) => b.send(text),
    close: (reason) => b.close(reason),
  }, { clock: systemClock });
  far.upgrade({ epoch: "e_1", frameBytesMax: 64 * 1024 });
  const kinds: string[] = [];
  for await (const delivery of far.receive()) {
    kinds.push(delivery.value.type);
    if (delivery.value.type !== "event") continue;
    deepStrictEqual(delivery.value.event.payload, { manifests: [manifest] });
    delivery.ack();
    break;
  }
  await sent;
  deepStrictEqual(kinds, ["heartbeat", "event"]);
  ok(texts.length > 8);
  for (const text of texts) {
    ok(new TextEncoder().encode(text).length <= 64 * 1024);
  }
  await near.close();
});

Deno.test("Link sends no frame longer than the far end takes, whatever the message", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  near.upgrade({ epoch: "e_1", frameBytesMax: 4096 });
  const items = Array.from({ length: 100 }, (_, i) => ({
    event_id: `e${i}`,
    digest: `sha256:${"0".repeat(64)}`,
    attempt: 1,
    state: "completed" as const,
  }));
  await near.send({ type: "inventory", items, more: false });
  await near.close();
  const parts: { text: string }[] = [];
  for await (const text of b.frames) {
    ok(text.length <= 4096, `${text.length} bytes`);
    parts.push(JSON.parse(text));
  }
  const whole = JSON.parse(parts.map(({ text }) => text).join(""));
  deepStrictEqual(whole.items, items);
});

Deno.test("Link ends with bad_frame, and tells the far end, when a frame cannot be read", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  await b.send("{");
  strictEqual((await near.closed)?.code, "bad_frame");
  await rejects(Array.fromAsync(b.frames), { code: "bad_frame" });
});

Deno.test("Link ends with bad_frame for a part out of turn", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  await b.send('{"type":"part","msg":"m","i":1,"n":2,"text":""}');
  strictEqual((await near.closed)?.code, "bad_frame");
});

const BAD_PARTS: Readonly<Record<string, [parts: object[], code: string]>> = {
  "more than 65,536": [[{ i: 0, n: 65_537, text: "" }], "too_large"],
  "another number than at first": [
    [{ i: 0, n: 3, text: "" }, { i: 1, n: 2, text: "" }],
    "bad_frame",
  ],
  "as many as there are": [[{ i: 0, n: 0, text: "" }], "bad_frame"],
};

for (const [name, [parts, code]] of Object.entries(BAD_PARTS)) {
  Deno.test(`Link ends with ${code} for parts whose number is ${name}`, async () => {
    const [a, b] = memoryWires();
    const near = new Link(a, { clock: systemClock });
    for (const part of parts) {
      await b.send(JSON.stringify({ type: "part", msg: "m", ...part }));
    }
    strictEqual((await near.closed)?.code, code);
  });
}

Deno.test("Link ignores and counts frames of unknown types", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  await b.send('{"type":"teleport"}');
  await b.send('{"type":"bye","reason":"r"}');
  const receiver = near.receive()[Symbol.asyncIterator]();
  strictEqual((await receiver.next()).value.value.type, "bye");
  strictEqual(near.unknownFrames, 1);
  await near.close();
});

Deno.test("Link.close() is idempotent, and closed resolves with undefined", async () => {
  const [near, far] = links();
  await near.close();
  await near.close();
  strictEqual(await near.closed, undefined);
  strictEqual(await far.closed, undefined);
  deepStrictEqual(await Array.fromAsync(far.receive()), []);
});

Deno.test("Link ends with the reason of the far end", async () => {
  const [near, far] = links();
  await near.close(
    new TransporterError("superseded", "A newer session took over"),
  );
  strictEqual((await far.closed)?.code, "superseded");
});

Deno.test("Link refuses a message of more than 12 MiB, and goes on", async () => {
  const [near, far] = links();
  await rejects(near.send(event(1, "x".repeat(13 * 1024 * 1024))), {
    code: "too_large",
  });
  await near.send({ type: "bye", reason: "r" });
  await near.close();
  strictEqual((await Array.fromAsync(far.receive())).length, 1);
});

Deno.test("Link refuses to buffer more than 16 MiB for a far end that does not read", async () => {
  const stuck = Promise.withResolvers<void>();
  const wire: Wire = {
    frames: {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          stuck.promise.then(() => ({ done: true, value: undefined })),
      }),
    },
    send: () => stuck.promise,
    close: () => Promise.resolve(),
  };
  const near = new Link(wire, { clock: systemClock });
  near.upgrade({ epoch: "e_1", frameBytesMax: 512 * 1024 });
  const big = "x".repeat(10 * 1024 * 1024);
  const first = near.send(event(1, big));
  await rejects(near.send(event(2, big)), { code: "exhausted" });
  stuck.resolve();
  await near.close();
  await rejects(first, { code: "unavailable" });
});

Deno.test("Link counts the memory of small messages for a far end that does not read, and ends when it cannot acknowledge", async () => {
  const stuck = Promise.withResolvers<void>();
  const [a, b] = memoryWires();
  const near = new Link({ ...a, send: () => stuck.promise }, {
    clock: systemClock,
  });
  near.upgrade({ epoch: "e_1", frameBytesMax: 512 * 1024 });
  await b.send(JSON.stringify(event(1)));
  const sent: Promise<void>[] = [];
  for (let i = 0; near.bufferedBytes < 16 * 1024 * 1024 - 1100; i++) {
    sent.push(near.send({ type: "bye", reason: `${i}` }));
  }
  ok(sent.length < 20_000);
  for await (const delivery of near.receive()) delivery.ack();
  strictEqual((await near.closed)?.code, "exhausted");
  stuck.resolve();
  for (const { status } of await Promise.allSettled(sent)) {
    strictEqual(status, "rejected");
  }
});

Deno.test("Link ends with slow_down when nobody takes what arrives", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock, receivedMax: 2 });
  for (let i = 0; i < 3; i++) await b.send('{"type":"bye","reason":"r"}');
  strictEqual((await near.closed)?.code, "slow_down");
});

Deno.test("Link ends with slow_down when more than 16 Mi characters wait", async () => {
  const [a, b] = memoryWires();
  const near = new Link(a, { clock: systemClock });
  const messages = near.receive()[Symbol.asyncIterator]();
  const text = JSON.stringify(event(1, "x".repeat(8 * 1024 * 1024)));
  await b.send(text);
  strictEqual((await messages.next()).value.chars, text.length);
  await b.send(text);
  await b.send(text);
  strictEqual((await near.closed)?.code, "slow_down");
});

Deno.test("Link.send() of a cancel does not overtake the event, however long that is", async () => {
  const [near, far] = links();
  const sent = near.send(event(1, "x".repeat(2 * 1024 * 1024)));
  sent.catch(() => {}); // nobody acknowledges it
  await near.send({ type: "cancel", event_id: "e1", reason: "operator" });
  const types: string[] = [];
  for await (const { value } of far.receive()) {
    types.push(value.type);
    if (types.length === 2) break;
  }
  deepStrictEqual(types, ["event", "cancel"]);
  await near.close();
});
