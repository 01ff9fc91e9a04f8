import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { AgentBench, type RawFrame } from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { witness } from "./testing/witness.ts";

const COUNT = 10_000;

/** A bench whose events run until they are let go, and how many of them did so at once. */
async function open() {
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  const executor = witness((start) => started.push(start), {
    apply: () => gate.promise,
  });
  const bench = await AgentBench.open({ executor, window: 8 });
  return { bench, started, gate };
}

/** All frames until the next heartbeat. */
async function frames(bench: AgentBench, far: { next(): Promise<RawFrame> }) {
  await bench.clock.advance(10_000);
  const seen: RawFrame[] = [];
  while (true) {
    const frame = await far.next();
    if (frame["type"] === "heartbeat") return seen;
    seen.push(frame);
  }
}

Deno.test("agent.flood.10k: a control plane that ignores the window has what is too much refused for now", async () => {
  const { bench, started, gate } = await open();
  await using _bench = bench;
  const far = await bench.accept();
  await far.registerV2();
  for (let seq = 1; seq <= COUNT; seq++) {
    const event = specOf(`e${seq}`);
    far.wire.send(JSON.stringify({ type: "event", seq, attempt: 1, event }));
  }
  const nacks = (await frames(bench, far)).filter(({ type }) =>
    type === "nack"
  );
  strictEqual(nacks.length, COUNT - 4000);
  deepStrictEqual(
    new Set(nacks.map((nack) => `${nack["code"]} ${nack["retry_after_ms"]}`)),
    new Set(["exhausted 10000"]),
  );
  strictEqual(started.length, 24);
  gate.resolve();
  await bench.clock.advance(0);
  strictEqual(started.length, 4000);
});

Deno.test("agent.flood.10k: a v1 control plane, which cannot be asked to wait, has everything run", async () => {
  const { bench, started, gate } = await open();
  await using _bench = bench;
  const far = await bench.accept();
  await far.registerV1();
  for (let i = 0; i < COUNT; i++) {
    far.wire.send(JSON.stringify({ type: "event", event: specOf(`e${i}`) }));
  }
  await bench.clock.advance(0);
  strictEqual(started.length, 24);
  gate.resolve();
  await bench.clock.advance(0);
  strictEqual(started.length, COUNT);
  ok(new Set(started).size === COUNT);
});
