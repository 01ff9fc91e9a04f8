import { match, strictEqual } from "node:assert/strict";
import type { Executor } from "@transporter/sdk";
import { openPlugin, type Run, runEvent } from "../kubernetes/k8s_resource.ts";
import { busybox, imagesOf } from "./cluster.ts";

/** The kubeconfig of a cluster with a kubelet. */
const KUBECONFIG = Deno.env.get("TRANSPORTER_TEST_KUBECONFIG");

/** An image that the first node has, so that nothing need be pulled. */
async function imageAt(kubeconfig: string): Promise<string> {
  const [name] = await imagesOf(kubeconfig);
  if (name === undefined) throw new RangeError("The node has no image");
  return name;
}

/** A workload with one container, as YAML. */
function workload(kind: string, name: string, container: string): string {
  const [apiVersion, spec, policy] = kind === "Job"
    ? ["batch/v1", "backoffLimit: 20, ", "restartPolicy: OnFailure, "]
    : ["apps/v1", `selector: {matchLabels: {app: ${name}}}, `, ""];
  const service = kind === "StatefulSet" ? `serviceName: ${name}, ` : "";
  return `apiVersion: ${apiVersion}
kind: ${kind}
metadata: {name: ${name}}
spec: {${spec}${service}template: {metadata: {labels: {app: ${name}}}, spec: {${policy}terminationGracePeriodSeconds: 0, containers: [{name: main, ${container}}]}}}
`;
}

/** An executor for a namespace of its own, which goes in the end. */
async function open(kubeconfig: string) {
  const namespace = `test-${crypto.randomUUID().slice(0, 13)}`;
  const executor = await openPlugin({ kubeconfig, namespace });
  const manifest =
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`;
  const made = await runEvent(executor, [manifest]);
  strictEqual(made.last.state, "completed", made.last.message);
  return {
    executor,
    async [Symbol.asyncDispose]() {
      await runEvent(executor, [manifest], {
        payload: { operation: "delete", wait: "none" },
      });
      await executor[Symbol.asyncDispose]();
    },
  };
}

/** Runs an event until a report matches; the report. */
async function reportOf(
  executor: Executor,
  manifest: string,
  wanted: RegExp,
): Promise<string> {
  const stop = new AbortController();
  let report = "";
  const run = await runEvent(executor, [manifest], {
    signal: stop.signal,
    minutes: 5,
    onStatus({ message }) {
      if (!message.startsWith("Waiting") || !wanted.test(message)) return;
      report = message;
      stop.abort();
    },
  });
  return report === "" ? run.last.message : report;
}

Deno.test({
  name:
    "a kubelet's words are told while it waits: configuration, nodes, volumes, commands",
  ignore: KUBECONFIG === undefined,
  async fn() {
    const kubeconfig = KUBECONFIG ?? "";
    const image = await imageAt(kubeconfig);
    await using place = await open(kubeconfig);
    const cases: readonly (readonly [string, RegExp])[] = [
      [
        `image: "${image}", env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: a}}}]`,
        /Pod "case-0-.*": its container "main" waits: CreateContainerConfigError: configmap "none" not found/,
      ],
      [
        `image: "${image}", resources: {requests: {cpu: 1000}}`,
        /Pod "case-1-.*": it is not scheduled: .*Insufficient cpu/,
      ],
      [
        `image: "${image}", volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, secret: {secretName: none}`,
        /Pod "case-2-.*": its containers have not begun yet; FailedMount: .*secret "none" not found/,
      ],
      [
        `image: "${image}", command: [/none]`,
        /its container "main" (waits: RunContainerError|was restarted .*StartError)/,
      ],
    ];
    await Promise.all(cases.map(async ([container, wanted], index) => {
      const manifest = workload("Deployment", `case-${index}`, container);
      match(await reportOf(place.executor, manifest, wanted), wanted);
    }));
  },
});

Deno.test({
  name: "it fails early when a kubelet says that an image can never be had",
  ignore: KUBECONFIG === undefined,
  async fn() {
    await using place = await open(KUBECONFIG ?? "");
    const kinds = ["Deployment", "StatefulSet", "DaemonSet", "Job"];
    await Promise.all(kinds.map(async (kind) => {
      const name = kind.toLowerCase();
      const run = await runEvent(place.executor, [
        workload(kind, name, "image: local/none:1, imagePullPolicy: Never"),
      ]);
      strictEqual(run.last.error?.code, "failed", run.last.message);
      match(
        run.last.message,
        new RegExp(
          `^Cannot get ${kind} "${name}" .*: Pod "${name}-.*": its container "main" waits: ErrImageNeverPull`,
        ),
      );
    }));
  },
});

Deno.test({
  name:
    "an image that cannot be pulled is given up after a while, and a container that ends again and again",
  ignore: KUBECONFIG === undefined,
  async fn() {
    const kubeconfig = KUBECONFIG ?? "";
    const image = await imageAt(kubeconfig);
    await using place = await open(kubeconfig);
    const ends: readonly (readonly [string, string, RegExp])[] = [
      [
        "Deployment",
        "image: local/none:1",
        /"main" waits: (ImagePullBackOff|ErrImagePull)/,
      ],
      [
        "StatefulSet",
        `image: "${image}", command: [/none]`,
        /"main" (waits: RunContainerError|was restarted 5 times, and ended with)/,
      ],
    ];
    const runs = ends.map(async ([kind, container, end]): Promise<Run> => {
      const run = await runEvent(place.executor, [
        workload(kind, kind.toLowerCase(), container),
      ], { minutes: 6 });
      strictEqual(run.last.error?.code, "failed", run.last.message);
      match(run.last.message, end);
      return run;
    });
    await Promise.all(runs);
  },
});

Deno.test({
  name: "a Pod that its kubelet evicts ends the event, which says so",
  ignore: KUBECONFIG === undefined,
  async fn() {
    const kubeconfig = KUBECONFIG ?? "";
    const image = await busybox();
    await using place = await open(kubeconfig);
    const greedy =
      `containers: [{name: main, image: "${image}", command: [sh, -c, "dd if=/dev/zero of=/v/x bs=1M count=40; sleep 3600"], volumeMounts: [{name: v, mountPath: /v}], readinessProbe: {exec: {command: ["false"]}}}], volumes: [{name: v, emptyDir: {sizeLimit: 4Mi}}], terminationGracePeriodSeconds: 0`;
    const pod =
      `apiVersion: v1\nkind: Pod\nmetadata: {name: alone}\nspec: {restartPolicy: Never, ${greedy}}\n`;
    const run = await runEvent(place.executor, [pod], { minutes: 5 });
    strictEqual(run.last.error?.code, "failed", run.last.message);
    match(
      run.last.message,
      /^Cannot get Pod "alone" .* ready: Evicted: Usage of EmptyDir volume "v" exceeds/,
    );
  },
});

Deno.test({
  name:
    "a DaemonSet is ready once its pods are, the new ones; with OnDelete those that are there",
  ignore: KUBECONFIG === undefined,
  async fn() {
    const image = await busybox();
    await using place = await open(KUBECONFIG ?? "");
    const probe =
      "readinessProbe: {exec: {command: [test, -e, /tmp/x]}, periodSeconds: 1}";
    const daemons = (seconds: number) =>
      workload(
        "DaemonSet",
        "daemons",
        `image: "${image}", command: [sh, -c, "sleep ${seconds}; touch /tmp/x; sleep 3600"], ${probe}`,
      );
    const onDelete = (manifest: string) =>
      manifest.replace("spec: {", "spec: {updateStrategy: {type: OnDelete}, ");
    const cases = [
      // It waits for the pods of each template, also of one that is new with OnDelete.
      ["rolls", daemons(6), /pods are (available|up to date)/],
      ["rolls anew", daemons(7), /pods are (available|up to date)/],
      [
        "begins",
        onDelete(daemons(6).replaceAll("daemons", "others")),
        /pods are available/,
      ],
    ] as const;
    for (const [name, manifest, waits] of cases) {
      const run = await runEvent(place.executor, [manifest], { minutes: 5 });
      strictEqual(run.last.state, "completed", `${name}: ${run.last.message}`);
      const reports = run.statuses.map(({ message }) => message).join("\n");
      match(reports, waits, name);
    }
    // Nobody deletes the old pods, and nobody waits for that.
    const later = onDelete(daemons(7).replaceAll("daemons", "others"));
    const run = await runEvent(place.executor, [later], { minutes: 5 });
    strictEqual(run.last.state, "completed", run.last.message);
  },
});
