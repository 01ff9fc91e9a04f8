import { strictEqual } from "node:assert/strict";
import { podProblem } from "./pod_problem.ts";
import type { Fields } from "./ready_parts.ts";

function waiting(reason: string, message?: string): Fields {
  return { name: "c", state: { waiting: { reason, message } } };
}

function crashed(restartCount: number, state: Fields): Fields {
  const terminated = { exitCode: 137, reason: "OOMKilled" };
  return { name: "c", restartCount, state, lastState: { terminated } };
}

const BACK_OFF = { waiting: { reason: "CrashLoopBackOff", message: "noise" } };

/** The status of a pod, and what is said of it: its kind in brackets, and the reason. */
const CASES: Readonly<Record<string, readonly [Fields, string]>> = {
  "nothing known": [{}, ""],
  "ready": [
    {
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [waiting("ErrImagePull")],
    },
    "",
  ],
  "done": [{ phase: "Succeeded" }, ""],
  "failed, in words": [
    { phase: "Failed", reason: "Evicted", message: "low on memory. " },
    "Evicted: low on memory.",
  ],
  "failed, without": [{ phase: "Failed" }, "it has failed"],
  "failed, as its container": [
    {
      phase: "Failed",
      containerStatuses: [{
        name: "c",
        state: { terminated: { exitCode: 3, reason: "Error" } },
      }],
    },
    'its container "c" ended with exit code 3 (Error)',
  ],
  "not scheduled": [
    {
      conditions: [{
        type: "PodScheduled",
        status: "False",
        message: "no nodes",
      }],
    },
    "it is not scheduled: no nodes",
  ],
  "about to begin": [
    { containerStatuses: [waiting("ContainerCreating")] },
    "its containers have not begun yet",
  ],
  "without its configuration": [
    {
      containerStatuses: [
        waiting("CreateContainerConfigError", 'configmap "a" not found'),
      ],
    },
    'its container "c" waits: CreateContainerConfigError: configmap "a" not found',
  ],
  "without its image for now": [
    { containerStatuses: [waiting("ErrImagePull")] },
    '[pull] its container "c" waits: ErrImagePull',
  ],
  "without its image for ever": [
    { containerStatuses: [waiting("ErrImageNeverPull")] },
    '[image] its container "c" waits: ErrImageNeverPull',
  ],
  "in an init container": [
    {
      initContainerStatuses: [{ ...waiting("ErrImagePull"), name: "init" }],
      containerStatuses: [waiting("PodInitializing")],
    },
    '[pull] its container "init" waits: ErrImagePull',
  ],
  "the worst of two": [
    {
      containerStatuses: [
        { name: "a", ready: false, state: { running: {} } },
        { ...waiting("InvalidImageName"), name: "b" },
      ],
    },
    '[image] its container "b" waits: InvalidImageName',
  ],
  "running": [
    {
      containerStatuses: [{
        name: "c",
        ready: false,
        state: { running: {} },
      }],
    },
    'its container "c" runs and is not ready',
  ],
  "crashed": [
    { containerStatuses: [crashed(1, BACK_OFF)] },
    'its container "c" was restarted once, and ended with exit code 137 (OOMKilled)',
  ],
  "crashed for the sixth time": [
    { containerStatuses: [crashed(5, BACK_OFF)] },
    '[crash] its container "c" was restarted 5 times, and ended with exit code 137 (OOMKilled)',
  ],
  "crashed, and about to be restarted": [
    {
      containerStatuses: [
        crashed(5, { terminated: { exitCode: 1 } }),
      ],
    },
    '[crash] its container "c" was restarted 5 times, and ended with exit code 1',
  ],
  "not begun for the sixth time": [
    {
      containerStatuses: [
        crashed(5, { waiting: { reason: "RunContainerError" } }),
      ],
    },
    '[crash] its container "c" waits: RunContainerError',
  ],
  "crashed before, and running": [
    {
      containerStatuses: [{
        ...crashed(9, { running: {} }),
        ready: false,
      }],
    },
    'its container "c" runs and is not ready',
  ],
  "behind a readiness gate": [
    {
      conditions: [
        { type: "ContainersReady", status: "True" },
        { type: "Ready", status: "False", message: "a gate is closed" },
      ],
    },
    "a gate is closed",
  ],
};

Deno.test("podProblem() says why a pod is not ready, and what it comes from", async (t) => {
  for (const [name, [status, expected]] of Object.entries(CASES)) {
    await t.step(name, () => {
      const { kind, reason = "" } = podProblem(status) ?? {};
      strictEqual(`${kind ? `[${kind}] ` : ""}${reason}`, expected);
    });
  }
});
