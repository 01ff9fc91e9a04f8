import { deepStrictEqual } from "node:assert/strict";
import {
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import type { TcpFault } from "../tcp_fault.ts";
import { TcpProxy } from "../tcp_proxy.ts";
import { WitnessAgent, witnessEvent } from "./witness_agent.ts";

const EVENTS = 300;

/** How a link breaks while events, answers and statuses are under way on it. */
const CUTS: readonly TcpFault[] = [
  { kind: "reset" },
  { kind: "limit_data", bytes: 700 },
  { kind: "half_close" },
  { kind: "limit_data", bytes: 5000 },
  { kind: "reset" },
];

Deno.test("link.cut.inflight (F02): what is under way on a link that breaks is delivered over the next one, and runs once", async () => {
  await using cp = await CpProcess.start({
    flags: ["--heartbeat-interval", "200ms", "--idle-timeout", "1s"],
  });
  await using proxy = await TcpProxy.open({
    hostname: "127.0.0.1",
    port: Number(new URL(cp.url).port),
  });
  const url = `ws://127.0.0.1:${proxy.port}/ws`;
  await using agent = await WitnessAgent.start("edge", url);
  await untilConnected(cp.url, "edge");

  const submitted = Array.from({ length: EVENTS }, (_, i) => `e${i}`);
  await Promise.all(
    submitted.map((id) => submit(cp.url, witnessEvent(id, { ms: 20 }))),
  );
  const ended = async () =>
    (await listEvents(cp.url)).filter((event) =>
      event.finished_at !== undefined
    );
  for (const [i, cut] of CUTS.entries()) {
    const enough = (i + 1) * EVENTS / (CUTS.length + 1);
    await until(async () =>
      (await ended()).length >= enough ? true : undefined
    );
    proxy.fault = cut;
    await until(() => Promise.resolve(proxy.connections === 0 || undefined));
    proxy.fault = undefined;
  }
  await until(async () => (await ended()).length === EVENTS ? true : undefined);
  deepStrictEqual(
    (await ended()).filter(({ state }) => state !== "completed"),
    [],
  );
  deepStrictEqual(
    (await agent.starts()).sort(),
    submitted.map((id) => `${id} 1`).sort(),
  );
});
