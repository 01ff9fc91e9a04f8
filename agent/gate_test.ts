import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { Gate } from "./gate.ts";

function gate() {
  const clock = new TestClock();
  const state = {
    clockFault: undefined as TransporterError | undefined,
    blind: undefined as string | undefined,
  };
  const options = {
    clock,
    runner: { crowded: false },
    journal: { refusal: () => undefined },
    controlPlaneClock: {
      get fault() {
        return state.clockFault;
      },
    },
    places: {
      fault: (type: string) =>
        type === state.blind
          ? new TransporterError("cluster_unavailable", "Nobody is there", {
            details: { retry_after_ms: 5000, type_only: true },
          })
          : undefined,
    },
  };
  return { clock, state, gate: new Gate(options) };
}

function said(error: TransporterError | undefined): unknown {
  return error && [error.code, error.details?.["retry_after_ms"]];
}

const K8S = { type: "k8s_resource" };
const OTHER = { type: "greet" };

Deno.test("Gate.refusal() holds up events of the type whose place is not known, and what follows them by a key", async () => {
  const { clock, state, gate: subject } = gate();
  state.blind = "k8s_resource";
  deepStrictEqual(said(subject.refusal(K8S, true)), [
    "cluster_unavailable",
    5000,
  ]);
  strictEqual(subject.refusal(OTHER, true), undefined);
  subject.refusal({ ...K8S, concurrency_key: "k" }, true);
  state.blind = undefined;
  await clock.advance(1000);
  const behind = subject.refusal(K8S, true);
  deepStrictEqual(behind?.details, { retry_after_ms: 4000, type_only: true });
  deepStrictEqual(
    said(subject.refusal({ ...OTHER, concurrency_key: "k" }, true)),
    ["cluster_unavailable", 4000],
  );
  strictEqual(
    subject.refusal({ ...OTHER, concurrency_key: "l" }, true),
    undefined,
  );
  await clock.advance(4000);
  strictEqual(subject.refusal(K8S, true), undefined);
  strictEqual(
    subject.refusal({ ...OTHER, concurrency_key: "k" }, true),
    undefined,
  );
});

Deno.test("Gate.refusal() holds up every event behind one that was refused for what is wrong with all", async () => {
  const { clock, state, gate: subject } = gate();
  state.clockFault = new TransporterError("clock_skew", "It is late", {
    details: { retry_after_ms: 2000 },
  });
  deepStrictEqual(said(subject.refusal(K8S, true)), ["clock_skew", 2000]);
  state.clockFault = undefined;
  const behind = subject.refusal(OTHER, true);
  deepStrictEqual(behind?.details, { retry_after_ms: 2000 });
  await clock.advance(2000);
  strictEqual(subject.refusal(OTHER, true), undefined);
});

Deno.test("Gate.reopen() forgets what was refused", () => {
  const { state, gate: subject } = gate();
  state.blind = "k8s_resource";
  subject.refusal(K8S, true);
  state.blind = undefined;
  subject.reopen();
  strictEqual(subject.refusal(K8S, true), undefined);
});
