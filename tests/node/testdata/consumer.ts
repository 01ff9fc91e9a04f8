/** The SDK in Node, as somebody who has it from npm uses it: types and all. */
import {
  defineExecutor,
  definePlugin,
  ERROR_CODES,
  type EventStatus,
  execute,
  isTerminal,
  parseDuration,
  readEvent,
  type Schema,
  silentLogger,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { executorCases } from "@transporter/sdk/testing";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { test } from "node:test";

interface Greeting {
  readonly name: string;
}

const payload: Schema<Greeting> = {
  "~standard": {
    version: 1,
    vendor: "consumer",
    validate(value) {
      const { name, ...rest } = value as Record<string, unknown>;
      return typeof name === "string" && Object.keys(rest).length === 0
        ? { value: { name } }
        : { issues: [{ message: "must be a text", path: ["name"] }] };
    },
  },
};

const plugin = definePlugin({
  api: 1,
  type: "greet",
  version: "1.0.0",
  payload,
  apply: ({ name }: Greeting) => ({ greeting: `Hello, ${name}` }),
});

const context = {
  signal: new AbortController().signal,
  log: silentLogger,
};

for (
  const { title, run } of executorCases("greet", {
    open: () => plugin.open({}, context),
    kind: plugin.kind,
    payload: () => ({ name: "Ada" }),
    badPayloads: { "no name": {} },
  })
) test(title, run);

test("an event goes through its phases", async () => {
  const spec = readEvent({
    type: "greet",
    target_agent: "edge-7",
    payload: { name: "Ada" },
    ttl: "1m",
  }, { api: "v2", now: systemClock.now(), principal: "me", newId: () => "e1" });
  const statuses: EventStatus[] = [];
  const executor = await plugin.open({}, context);
  const last = await execute(executor, spec, {
    agentId: "edge-7",
    attempt: 1,
    deadline: systemClock.now() + 1000,
    signal: context.signal,
    clock: systemClock,
    log: silentLogger,
    record: (status) => Promise.resolve(void statuses.push(status)),
  });
  deepStrictEqual(last.result?.["greeting"], "Hello, Ada");
  strictEqual(statuses.length, 5);
  strictEqual(isTerminal(last.state), true);
});

test("wires in memory, errors, durations", async () => {
  const [near, far] = memoryWires();
  await near.send("one");
  await near.close();
  deepStrictEqual(await Array.fromAsync(far.frames), ["one"]);
  strictEqual(new TransporterError("denied", "No").status, 403);
  strictEqual(ERROR_CODES.plugin_failed.class, "internal");
  strictEqual(parseDuration("1m"), 60e9);
  strictEqual(typeof defineExecutor, "function");
});
