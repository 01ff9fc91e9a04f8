import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  AgentBench,
  type AgentBenchOptions,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { Credit } from "./credit.ts";
import { specOf } from "./testing/control_plane.ts";
import { witness } from "./testing/witness.ts";

/** A credit of a stream whose next number is 101, and the limits that it told. */
function bench(window: number): {
  credit: Credit;
  limits: number[];
  inHand: { count: number };
} {
  const limits: number[] = [];
  const inHand = { count: 0 };
  const credit = new Credit({
    window,
    nextSeq: 101,
    inHand: () => inHand.count,
    tell: ({ limit_seq: limit }) => limits.push(limit),
  });
  return { credit, limits, inHand };
}

Deno.test("Credit tells first how many new events may come", () => {
  deepStrictEqual(bench(8).limits, [108]);
});

Deno.test("Credit.grant() tells a higher limit once a quarter of the places is free again", () => {
  const { credit, limits, inHand } = bench(8);
  for (let seq = 101; seq <= 108; seq++) {
    credit.saw(seq);
    inHand.count++;
    credit.grant();
  }
  deepStrictEqual(limits, [108]);
  inHand.count = 7;
  credit.grant();
  deepStrictEqual(limits, [108]);
  inHand.count = 6;
  credit.grant();
  credit.grant();
  deepStrictEqual(limits, [108, 110]);
});

Deno.test("Credit.grant() never tells a lower limit", () => {
  const { credit, limits, inHand } = bench(4);
  inHand.count = 9; // sent again after a restart, beside the window
  credit.grant();
  inHand.count = 0;
  credit.grant();
  credit.saw(7);
  credit.grant();
  deepStrictEqual(limits, [104]);
});

Deno.test("Credit never lets a stream stand still, whatever the window", () => {
  for (const window of [1, 2, 3, 5, 32]) {
    const { credit, limits, inHand } = bench(window);
    for (let seq = 101; seq <= 400; seq++) {
      strictEqual(seq <= (limits.at(-1) ?? 0), true, `${window}: ${seq}`);
      credit.saw(seq);
      inHand.count++;
      credit.grant();
      const full = inHand.count === window;
      if (full) inHand.count = 0;
      if (full) credit.grant();
    }
  }
});

/** An agent with a session whose control plane obeys credits. */
async function connect(
  options: AgentBenchOptions,
  welcome: RawFrame = {},
): Promise<[AgentBench, FarEnd]> {
  const opened = await AgentBench.open(options);
  const far = await opened.accept();
  await far.registerV2({
    features: ["ack", "credit"],
    next_seq: 11,
    ...welcome,
  });
  return [opened, far];
}

/** The limits that an agent tells until its next heartbeat. */
async function limits(agent: AgentBench, far: FarEnd): Promise<unknown[]> {
  await agent.clock.advance(10_000);
  const seen: unknown[] = [];
  while (true) {
    const frame = await far.next();
    if (frame["type"] === "heartbeat") return seen;
    if (frame["type"] === "credit") seen.push(frame["limit_seq"]);
  }
}

Deno.test("Exchange tells credit after the welcome, and as attempts end, are cancelled or refused", async () => {
  const gates = Array.from({ length: 9 }, () => Promise.withResolvers<void>());
  const executor = witness(() => {}, {
    apply: ({ gate }) => gates[gate as number]!.promise,
  });
  const [opened, far] = await connect({
    executor,
    window: 3,
    concurrency: 1,
  });
  await using agent = opened;
  deepStrictEqual(await limits(agent, far), [13]);
  const send = async (seq: number, rest: RawFrame = {}) => {
    const event = specOf(`e${seq}`, { payload: { gate: seq - 11 } });
    await far.send({ type: "event", seq, attempt: 1, event, ...rest });
  };
  await send(11);
  await send(12);
  await send(13);
  deepStrictEqual(await limits(agent, far), []);
  gates[0]?.resolve(); // now e12 runs, and e13 waits
  deepStrictEqual(await limits(agent, far), [14]);
  await far.send({ type: "cancel", event_id: "e13", reason: "operator" });
  deepStrictEqual(await limits(agent, far), [15]);
  gates[1]?.resolve();
  deepStrictEqual(await limits(agent, far), [16]);
  await send(14, { event: specOf("x", { type: "dance" }) });
  deepStrictEqual(await limits(agent, far), [17]);
});

for (
  const [name, welcome] of Object.entries({
    "does not obey it": { features: ["ack"] },
    "does not say where the stream is": { next_seq: undefined },
  })
) {
  Deno.test(`Exchange tells no credit to a control plane that ${name}`, async () => {
    const [opened, far] = await connect({}, welcome);
    await using agent = opened;
    const event = specOf("e1");
    await far.send({ type: "event", seq: 11, attempt: 1, event });
    deepStrictEqual(await limits(agent, far), []);
  });
}

Deno.test("Exchange tells no credit once the agent takes nothing any more", async () => {
  const gate = Promise.withResolvers<void>();
  const executor = witness(() => {}, { apply: () => gate.promise });
  const [opened, far] = await connect({ executor, window: 3 });
  await using agent = opened;
  deepStrictEqual(await limits(agent, far), [13]);
  const send = async (seq: number) => {
    const event = specOf(`e${seq}`);
    await far.send({ type: "event", seq, attempt: 1, event });
  };
  await send(11);
  deepStrictEqual(await limits(agent, far), []);
  agent.stop();
  await send(12); // was on its way, and is sent again
  deepStrictEqual(await limits(agent, far), []);
  gate.resolve();
});

Deno.test("Exchange obeys flow", async () => {
  const [opened, far] = await connect({});
  await using agent = opened;
  await far.send({ type: "flow", limit_sid: 2 });
  const event = specOf("e1");
  await far.send({ type: "event", seq: 11, attempt: 1, event });
  await agent.clock.advance(10_000);
  const sids: unknown[] = [];
  const take = async () => {
    while (true) {
      const frame = await far.next();
      if (frame["type"] === "heartbeat") return;
      if (frame["type"] === "status_update") sids.push(frame["sid"]);
    }
  };
  await take();
  deepStrictEqual(sids, [1, 2]);
  await far.send({ type: "flow", limit_sid: 100 });
  await agent.clock.advance(10_000);
  await take();
  deepStrictEqual(sids, [1, 2, 3, 4]); // validating gave way to verifying
});
