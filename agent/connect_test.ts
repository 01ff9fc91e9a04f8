import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import {
  AgentBench,
  type AgentBenchOptions,
  listLogger,
  type RawFrame,
} from "./testing/agent_bench.ts";

/** An agent whose control plane drains it, and closes. */
async function drained(
  frame: RawFrame,
  options: AgentBenchOptions = {},
): Promise<AgentBench> {
  const bench = await AgentBench.open(options);
  const far = await bench.accept();
  await far.registerV2();
  await far.send({ type: "drain", reason: "restart", ...frame });
  await far.wire.close(new TransporterError("unavailable", "Restart"));
  await bench.clock.advance(0);
  return bench;
}

Deno.test("stayConnected() comes back when a drain asked for it, and a random time later", async () => {
  const frame = { reconnect_after_ms: 1_500, jitter_ms: 3_000 };
  await using bench = await drained(frame);
  await bench.clock.advance(2_999); // the randomness of the bench is 0.5
  strictEqual(bench.dialled.length, 1);
  await bench.clock.advance(1);
  strictEqual(bench.dialled.length, 2);
});

Deno.test("stayConnected() takes a drain for no failure", async () => {
  const lines: string[] = [];
  const log = listLogger(lines);
  const frame = { reconnect_after_ms: 10, jitter_ms: 0 };
  await using bench = await drained(frame, { log });
  for (let i = 0; i < 20; i++) {
    const far = await bench.accept();
    await far.registerV2();
    await far.send({ type: "drain", reason: "again", ...frame });
    await far.wire.close();
    await bench.clock.advance(10);
    strictEqual(bench.dialled.length, i + 3);
  }
  match(lines.join(), /asks to come back later/);
  ok(!lines.join().includes("No connection"));
});

Deno.test("stayConnected() does not stay away for longer than five minutes, whatever it is asked for", async () => {
  await using bench = await drained({
    reconnect_after_ms: 1e15,
    jitter_ms: 0,
  });
  await bench.clock.advance(300_000);
  strictEqual(bench.dialled.length, 2);
});

Deno.test("stayConnected() counts failures after a drain from the first", async () => {
  const refused = new TransporterError("unavailable", "Nobody answers");
  const refusals = Array.from({ length: 10 }, () => refused);
  const frame = { reconnect_after_ms: 1_000, jitter_ms: 0 };
  await using bench = await drained(frame, { refusals });
  const dialled = bench.dialled.length;
  bench.refusals.push(refused);
  await bench.clock.advance(1_000);
  strictEqual(bench.dialled.length, dialled + 1);
  await bench.clock.advance(250); // half of 0.5 s
  strictEqual(bench.dialled.length, dialled + 2);
});

Deno.test("Agent.run() stays with a control plane that asks to renew something", async () => {
  const lines: string[] = [];
  await using bench = await AgentBench.open({ log: listLogger(lines) });
  const far = await bench.accept();
  await far.registerV2();
  await far.send({ type: "renew", what: "cert" });
  match(lines.join("\n"), /asks to renew what this version cannot .*"cert"/);
  await bench.clock.advance(10_000);
  strictEqual((await far.next())["type"], "heartbeat");
});

Deno.test("stayConnected() spreads its return once, as it was told, when the control plane is away", async () => {
  const lines: string[] = [];
  await using bench = await AgentBench.open({ log: listLogger(lines) });
  const far = await bench.accept();
  await far.registerV2();
  await bench.clock.advance(10_000);
  const { timestamp } = await far.next();
  await far.send({
    ...{ type: "heartbeat_ack", timestamp, spread_ms: 20_000 },
    server_time: timestamp,
  });
  await bench.clock.advance(5_000);
  const away = new TransporterError("unavailable", "Nobody answers");
  bench.refusals.push(away, away);
  await far.wire.close(away);
  for (let i = 0; i < 5; i++) await bench.clock.advance(10_000);
  const pauses = lines.join("\n").matchAll(/"retry_ms":(\d+)/g);
  // The randomness of the bench is 0.5: at once, then spread, then as ever.
  deepStrictEqual([...pauses].slice(0, 4).map(([, ms]) => Number(ms)), [
    ...[250, 10_000],
    ...[1_000, 2_000],
  ]);
});

Deno.test("stayConnected() comes back when it was told, by a control plane that has not taken its registration", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.next(); // the registration
  const drain = { type: "drain", reason: "many agents register" };
  await far.send({ ...drain, reconnect_after_ms: 7_000, jitter_ms: 500 });
  await far.wire.close(new TransporterError("slow_down", "Later"));
  await bench.clock.advance(7_249); // the randomness of the bench is 0.5
  strictEqual(bench.dialled.length, 1);
  await bench.clock.advance(1);
  strictEqual(bench.dialled.length, 2);
});
