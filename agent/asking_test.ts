import { deepStrictEqual, match } from "node:assert/strict";
import {
  defineExecutor,
  type EventSpec,
  type Executor,
} from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import { AgentBench, type FarEnd, listLogger } from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";

interface Scene extends AsyncDisposable {
  readonly bench: AgentBench;
  readonly lines: string[];
  /** Events of the type "slow" whose executor says now what they touch. */
  say(id: string): Promise<void>;
  send(id: string, spec?: Partial<EventSpec>): Promise<void>;
  readonly far: FarEnd;
}

/** An agent with a type whose executor says what an event touches when the test wants. */
async function scene(): Promise<Scene> {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  function gateOf(id: string): PromiseWithResolvers<void> {
    const gate = gates.get(id) ?? Promise.withResolvers<void>();
    gates.set(id, gate);
    return gate;
  }
  const slow: Executor = defineExecutor<
    Record<string, unknown>,
    unknown,
    unknown
  >({
    type: "slow",
    version: "1.0.0",
    schema: {
      "~standard": {
        version: 1,
        vendor: "test",
        async validate(value) {
          const payload = value as Record<string, unknown>;
          await gateOf(String(payload["id"])).promise;
          return { value: payload };
        },
      },
    },
    validate: (payload) => Promise.resolve(payload),
    apply(_, { idempotencyKey, attempt }) {
      bench.started.push(`${idempotencyKey} ${attempt}`);
      return Promise.resolve({});
    },
    verify: () => Promise.resolve(),
    keys: () => ["k"],
  });
  const lines: string[] = [];
  const bench: AgentBench = await AgentBench.open({
    others: [slow],
    log: listLogger(lines),
  });
  const far = await bench.accept();
  await far.registerV2();
  let seq = 0;
  return {
    bench,
    far,
    lines,
    async say(id) {
      gateOf(id).resolve();
      await settle();
    },
    async send(id, spec = {}) {
      await far.send({
        type: "event",
        seq: ++seq,
        attempt: 1,
        deadline: "2026-11-24T05:04:27.000Z",
        event: specOf(id, {
          ...spec,
          ...(spec.type === "slow" ? { payload: { id } } : {}),
        }),
      });
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

Deno.test("Asking: an executor that is slow to say what an event touches holds up others once, for a second", async () => {
  await using test = await scene();
  const { bench, lines } = test;
  await test.send("s1", { type: "slow" });
  await test.send("w1");
  deepStrictEqual(bench.started, [], "their order is kept");
  await bench.clock.advance(999);
  deepStrictEqual(bench.started, []);
  await bench.clock.advance(1);
  await settle();
  deepStrictEqual(bench.started, ["w1 1"]);
  match(lines.join("\n"), /It took long to hear what an event touches/);

  await test.send("s2", { type: "slow" });
  await test.send("w2");
  deepStrictEqual(bench.started, ["w1 1", "w2 1"], "without any time passing");
});

Deno.test("Asking: what is of the type, or has the key, waits behind an event of which nothing is said yet", async () => {
  await using test = await scene();
  const { bench } = test;
  await test.send("s1", { type: "slow", concurrency_key: "c" });
  await bench.clock.advance(1000);
  await test.send("s2", { type: "slow" });
  await test.send("w1", { concurrency_key: "c" });
  await test.send("w2");
  await test.say("s2");
  deepStrictEqual(bench.started, ["w2 1"]);
  await test.say("s1");
  deepStrictEqual(bench.started, ["w2 1", "s1 1", "s2 1", "w1 1"]);
});

Deno.test("Asking: an event of which nothing is said yet is durable, acknowledged, and can be cancelled", async () => {
  await using test = await scene();
  const { bench, far } = test;
  await test.send("s1", { type: "slow" });
  await bench.clock.advance(1000);
  let frame = await far.next();
  while (frame["type"] !== "ack") frame = await far.next();
  deepStrictEqual(frame["upto"], 1);
  await far.send({ type: "cancel", event_id: "s1", attempt: 1, reason: "no" });
  await test.say("s1");
  await test.send("s2", { type: "slow" });
  await test.say("s2");
  deepStrictEqual(bench.started, ["s2 1"]);
});
