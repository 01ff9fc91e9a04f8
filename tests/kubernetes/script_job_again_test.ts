/** Scripts as Jobs that an agent finds again after it was killed, against an API server without nodes. */
import { deepStrictEqual, match } from "node:assert/strict";
import { type EventView, formatTime, isTerminal } from "@transporter/sdk";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { CONTROLLERS, freshNamespace, testCluster } from "./cluster.ts";
import { ScriptKubelet } from "./script_kubelet.ts";

/** What the agent said of its cluster before it was killed. */
const NETWORK = /^It is not known whether the Pods of scripts in ".+" are kept/;

/** What it says of each script that it finds again. */
const AGAIN = /^The agent was started again while the script ran/;

/** A script that was found again. */
interface Case {
  /** How long it may run. */
  readonly timeout: string;
  /** The state of its container, by a second after its Job was made. */
  readonly state: (at: (second: number) => string) => object;
  /** What else the status of its Pod says. */
  readonly status?: object;
  /** How its event ends: its state, the code of its error, its exit code. */
  readonly ends: readonly unknown[];
  /** What its error says. */
  readonly says?: RegExp;
  /** How long it took, in seconds; absent: as long as the test. */
  readonly took?: number;
  /** What its result warns of besides. */
  readonly warns?: RegExp;
}

function terminated(exitCode: number, began: number, ended: number) {
  return (at: (second: number) => string) => ({
    terminated: { exitCode, startedAt: at(began), finishedAt: at(ended) },
  });
}

const OUT_OF_TIME = /^The script did not end within 3s, and was stopped$/;

const CASES: Readonly<Record<string, Case>> = {
  "it ended well meanwhile": {
    timeout: "1h",
    state: terminated(0, 1, 9),
    status: { phase: "Succeeded" },
    ends: ["completed", undefined, 0],
    took: 9,
  },
  "it failed meanwhile": {
    timeout: "1h",
    state: terminated(3, 1, 9),
    status: { phase: "Failed" },
    ends: ["failed", "failed", 3],
    says: /^The script ended with exit code 3$/,
    took: 9,
  },
  "it runs, and its time is over": {
    timeout: "1h",
    state: (at) => ({ running: { startedAt: at(-3601) } }),
    status: { phase: "Running" },
    ends: ["failed", "timeout", 137],
    says: /^The script did not end within 1h, and was stopped$/,
  },
  "the cluster has ended it, as no agent did": {
    timeout: "3s",
    state: terminated(137, -600, 9),
    status: { phase: "Failed", reason: "DeadlineExceeded" },
    ends: ["failed", "timeout", 137],
    says: OUT_OF_TIME,
    took: 9,
  },
  "the cluster has ended it, and it said that all is well": {
    timeout: "3s",
    state: terminated(0, -600, 9),
    status: { phase: "Failed", reason: "DeadlineExceeded" },
    ends: ["failed", "timeout", 0],
    says: OUT_OF_TIME,
    took: 9,
  },
  "it ended by itself, later than it may": {
    timeout: "3s",
    state: terminated(0, 1, 9),
    status: { phase: "Succeeded" },
    ends: ["completed", undefined, 0],
    took: 9,
    warns: /^The script ran for 8s, where 3s are allowed: nothing stopped it/,
  },
};

Deno.test(
  "script as a Job that is found again ends as it would have, with how long it took, and with the warnings of before",
  CONTROLLERS,
  async (t) => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    const kubelet = new ScriptKubelet(kube, namespace.name);
    await using cp = await CpProcess.start();
    await using agent = await AgentProcess.start("edge", {
      cpUrl: cp.agentUrl,
      flags: [
        ...["--kubeconfig", kube.kubeconfig, "--enable", "script"],
        ...["--script-runner", "job", "--script-image", "local/none:1"],
        ...["--script-namespace", namespace.name],
      ],
    });
    await untilConnected(cp.url, "edge");
    await kubelet.answerProbes();
    const cases = Object.entries(CASES).map(([name, each], index) =>
      ({ name, id: `again-${index}`, ...each }) as const
    );
    for (const { id, timeout } of cases) {
      const payload = { script: "date", timeout };
      await submit(cp.url, {
        id,
        type: "script",
        target_agent: "edge",
        payload,
      });
    }
    const pods = new Map(
      await Promise.all(
        cases.map(async ({ id }) => [id, await kubelet.pod(id)] as const),
      ),
    );
    await agent.crash();
    for (const { id, state, status } of cases) {
      const pod = pods.get(id) ?? { name: "", createdAt: 0 };
      const at = (second: number) => formatTime(pod.createdAt + second * 1000);
      await kubelet.say(pod, state(at), status);
    }
    agent.restart();
    for (const { name, id, ends, says = /^/, took, warns } of cases) {
      await t.step(name, async () => {
        const view = await until(async () => {
          const answer = await fetch(`${cp.url}/v2/events/${id}`);
          const found: EventView = await answer.json();
          return isTerminal(found.state) ? found : undefined;
        });
        const { state, attempt, error, result } = view;
        deepStrictEqual(
          [attempt, state, error?.code, result?.["exit_code"]],
          [1, ...ends],
          JSON.stringify(view),
        );
        match(error?.message ?? "", says);
        const seconds = (result?.duration ?? 0) / 1e9;
        // In the test's own time nothing takes longer than a minute, or a second too few.
        const [least, most] = took === undefined ? [0.001, 60] : [took, took];
        deepStrictEqual(
          [seconds >= least, seconds <= most],
          [true, true],
          `${seconds}`,
        );
        const warnings = result?.["warnings"] as string[];
        const expected = [
          AGAIN,
          NETWORK,
          ...(warns === undefined ? [] : [warns]),
        ];
        deepStrictEqual(warnings.length, expected.length, warnings.join("\n"));
        expected.forEach((each, index) => match(warnings[index] ?? "", each));
      });
    }
  },
);
