import { deepStrictEqual } from "node:assert/strict";
import { recovers } from "./recovery.ts";
import { found, mark, session, start, submit } from "./sample.ts";

Deno.test("recovers() finds a program that ends by itself crashed", () => {
  const crash = {
    kind: "crash",
    at: 1,
    process: "cp-1",
    reason: "panic",
  } as const;
  deepStrictEqual(found(recovers, crash), ["crashed cp-1"]);
});

Deno.test("recovers() finds a call hung that nobody answers a minute after the last fault", () => {
  const unknown = { outcome: "unknown" } as const;
  deepStrictEqual(
    found(
      recovers,
      submit("a", 100, unknown),
      mark("healed", 200),
      submit("b", 60_100, unknown),
      submit("c", 60_200),
      submit("d", 60_200, unknown),
    ),
    ["hung d"],
  );
});

Deno.test("recovers() finds an event hung that does not start within 5 s although all is calm", () => {
  deepStrictEqual(
    found(
      recovers,
      submit("before", 50),
      mark("calm", 100),
      submit("prompt", 200),
      start("prompt", 5201),
      submit("slow", 200),
      start("slow", 5202),
      submit("never", 200),
    ),
    ["hung slow", "hung never"],
  );
});

Deno.test("recovers() finds a session hung that is kept a minute after its process is gone", () => {
  const process = "edge-1";
  const begin = session(1, 10, { process });
  const exit = { kind: "exit", at: 20, process } as const;
  const end = session(1, 60_020, { process, what: "end", by: "control-plane" });
  const over = mark("settled", 60_020);
  deepStrictEqual(found(recovers, begin, exit, over), ["hung edge"]);
  deepStrictEqual(found(recovers, begin, exit, end), []);
  deepStrictEqual(found(recovers, begin, exit, over, { ...end, gen: 2 }), []);
  deepStrictEqual(found(recovers, begin, exit, mark("settled", 60_019)), []);
  const pause = {
    kind: "fault",
    at: 30,
    what: "cp-pause",
    target: "cp",
  } as const;
  deepStrictEqual(found(recovers, begin, exit, over, pause), []);
});
