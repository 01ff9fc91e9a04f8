import { ControlPlane } from "@transporter/cp";
import { TransporterError } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { rejects } from "node:assert/strict";
import { untilConnected } from "./connected.ts";

function openControlPlane(): Promise<ControlPlane> {
  return ControlPlane.open({
    config: { listen: "127.0.0.1:0", store: "memory:", dev: true },
    kinds: [],
  });
}

const NEVER = new AbortController().signal;

Deno.test("untilConnected() gives up when the agent does not come", async () => {
  await using controlPlane = await openControlPlane();
  const clock = new TestClock();
  const waiting = untilConnected("edge", {
    url: controlPlane.url,
    running: Promise.withResolvers<void>().promise,
    clock,
    signal: NEVER,
  });
  await Promise.all([
    rejects(waiting, {
      code: "timeout",
      message:
        /^Cannot go on as agent "edge" did not connect to http\S+ within 30 s: its log says why$/,
    }),
    clock.advance(30_000),
  ]);
});

Deno.test("untilConnected() throws what the agent's run rejects with", async () => {
  await using controlPlane = await openControlPlane();
  const error = new TransporterError("store_unavailable", "Cannot write");
  await rejects(
    untilConnected("edge", {
      url: controlPlane.url,
      running: Promise.reject(error),
      clock: new TestClock(),
      signal: NEVER,
    }),
    error,
  );
});

Deno.test("untilConnected() throws the signal's reason", async () => {
  await using controlPlane = await openControlPlane();
  const stop = new AbortController();
  const reason = new Error("Ctrl-C");
  const waiting = untilConnected("edge", {
    url: controlPlane.url,
    running: Promise.withResolvers<void>().promise,
    clock: new TestClock(),
    signal: stop.signal,
  });
  stop.abort(reason);
  await rejects(waiting, reason);
});
