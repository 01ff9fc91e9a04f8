/** Jobs that go once they have ended: README.md, "Readiness". */
import { match, strictEqual } from "node:assert/strict";
import {
  openPlace,
  type Place,
  read,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

function job(namespace: string, name: string): string {
  return `apiVersion: batch/v1
kind: Job
metadata: {name: ${name}, namespace: ${namespace}, finalizers: [example.com/held]}
spec: {ttlSecondsAfterFinished: 60, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "local/none:1"}]}}}
`;
}

/** As its controller: the Job is complete. */
async function complete({ kube }: Place, path: string): Promise<void> {
  type Seen = { readonly status: { readonly startTime?: string } };
  if (kube.address.controllerManager) {
    await until(async () =>
      (await read<Seen>(kube, path)).status.startTime !== undefined
    );
  }
  const { status } = await read<Seen>(kube, path);
  const startTime = status.startTime ?? "2026-11-23T05:04:27Z";
  await write(kube, `${path}/status`, {
    method: "PATCH",
    body: {
      status: {
        startTime,
        completionTime: startTime,
        succeeded: 1,
        active: 0,
        ready: 0,
        terminating: 0,
        uncountedTerminatedPods: {},
        conditions: ["SuccessCriteriaMet", "Complete"].map((type) => ({
          type,
          status: "True",
          lastTransitionTime: startTime,
        })),
      },
    },
  });
}

/** Lets it go. */
async function release({ kube }: Place, path: string): Promise<void> {
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
}

Deno.test("readiness: a Job that is complete and goes has succeeded, and one that goes before has not", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  for (const [name, ends] of [["done", true], ["lost", false]] as const) {
    let begun = false;
    const run = await runEvent(executor, [job(namespace, name)], {
      onStatus: async ({ phase, message }) => {
        if (phase !== "verifying" || !message.startsWith("Waiting")) return;
        if (begun) return;
        begun = true;
        const path = `${jobs}/${name}`;
        if (ends) {
          await until(async () =>
            (await read<{ status: { startTime?: string } }>(kube, path)).status
              .startTime !== undefined
          );
        }
        // The collector of ended Jobs deletes in the foreground: the Job is held as well.
        await write(kube, path, { method: "DELETE" });
        if (ends) await complete(place, path);
        else await release(place, path);
      },
    });
    strictEqual(begun, true);
    if (ends) {
      strictEqual(run.last.state, "completed", run.last.message);
      await release(place, `${jobs}/${name}`);
    } else {
      strictEqual(run.last.error?.code, "failed");
      match(run.last.message, /ready: it is gone$/);
    }
  }
});

Deno.test("readiness: how a Job ended that is gone before it is looked at is what its Events say, or not known", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const uid = crypto.randomUUID();
  const of = (name: string) => ({
    kind: "Job",
    namespace,
    name,
    api_version: "batch/v1",
    status: "created",
    message: "",
    uid: `${uid}-${name}`,
  });
  const events = { done: "Completed", lost: "BackoffLimitExceeded" };
  for (const [name, reason] of Object.entries(events)) {
    await write(kube, `/api/v1/namespaces/${namespace}/events`, {
      method: "POST",
      type: "application/json",
      body: {
        metadata: { generateName: "e-" },
        involvedObject: {
          apiVersion: "batch/v1",
          kind: "Job",
          namespace,
          name,
          uid: of(name).uid,
        },
        reason,
        message: `${name}: ${reason}`,
        type: "Normal",
      },
    });
  }
  const after = (name: string) =>
    runEvent(executor, [job(namespace, name)], {
      again: true,
      applied: { resource_status: [of(name)] },
    });
  const done = await after("done");
  strictEqual(done.last.state, "completed", done.last.message);
  const lost = await after("lost");
  strictEqual(lost.last.error?.code, "failed");
  match(lost.last.message, /it is gone, and had failed: lost: BackoffLimit/);
  const unknown = await after("unknown");
  strictEqual(unknown.last.error?.code, "failed");
  match(unknown.last.message, /it is gone, and nothing tells how it ended/);
});
