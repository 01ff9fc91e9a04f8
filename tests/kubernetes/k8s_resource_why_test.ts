import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock, systemRng } from "@transporter/sdk";
import { openExecutor } from "../../plugins/k8s_resource/executor.ts";
import { FaultProxy, status } from "../fault_proxy.ts";
import { CONTROLLERS } from "./cluster.ts";
import {
  deployment,
  openPlace,
  type Place,
  proxied,
  read,
  type Run,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

const NOW = "2026-11-23T05:04:27Z";

/** A pod, as far as it is looked at here. */
interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

/** The pods that a controller has made, once there are some. */
async function podsOf(place: Place, app: string): Promise<readonly Pod[]> {
  let pods: readonly Pod[] = [];
  await until(async () => {
    const { items } = await read<{ items: readonly Pod[] }>(
      place.kube,
      `/api/v1/namespaces/${place.namespace}/pods?labelSelector=app%3D${app}`,
    );
    pods = items;
    return items.length > 0;
  });
  return pods;
}

/** As a kubelet: writes the status of a pod. */
async function setStatus(
  place: Place,
  { metadata: { name } }: Pod,
  state: unknown,
): Promise<void> {
  await write(
    place.kube,
    `/api/v1/namespaces/${place.namespace}/pods/${name}/status`,
    { method: "PATCH", body: { status: state } },
  );
}

/** The status of a pod whose container is in a state. */
function containerIn(
  state: unknown,
  rest: Readonly<Record<string, unknown>> = {},
) {
  return {
    phase: "Pending",
    conditions: [{ type: "Ready", status: "False", lastTransitionTime: NOW }],
    containerStatuses: [{
      name: "main",
      image: "x",
      imageID: "",
      ready: false,
      restartCount: 0,
      state,
      ...rest,
    }],
  };
}

/** As a controller: tells of something that goes wrong with an object. */
async function warn(
  { kube, namespace }: Place,
  object: {
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  },
  { reason, message }: { readonly reason: string; readonly message: string },
): Promise<void> {
  await write(kube, `/api/v1/namespaces/${namespace}/events`, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: { name: `e-${crypto.randomUUID()}` },
      involvedObject: { ...object, namespace },
      type: "Warning",
      reason,
      message,
      lastTimestamp: NOW,
    },
  });
}

/** Runs an event until a report of what it waits for matches, then cancels it. */
async function reportOf(
  { executor }: Place,
  manifests: readonly string[],
  options: {
    readonly wanted: RegExp;
    readonly meanwhile?: () => Promise<void>;
  },
): Promise<{ readonly run: Run; readonly report: string }> {
  const stop = new AbortController();
  let report = "";
  const running = runEvent(executor, manifests, {
    signal: stop.signal,
    onStatus({ phase, message }) {
      if (phase !== "verifying" || !options.wanted.test(message)) return;
      report = message;
      stop.abort();
    },
  });
  await options.meanwhile?.();
  return { run: await running, report };
}

Deno.test(
  "while it waits, reports say why: ImagePullBackOff, with the words of the newest pod and not of an older one",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { namespace, executor } = place;
    const old = await runEvent(executor, [deployment(namespace, "web")], {
      payload: { wait: "applied" },
    });
    strictEqual(old.last.state, "completed", old.last.message);
    const [first] = await podsOf(place, "web");
    ok(first);
    await setStatus(
      place,
      first,
      containerIn({ waiting: { reason: "InvalidImageName" } }),
    );
    const { report } = await reportOf(place, [
      deployment(namespace, "web", "local/none:2"),
    ], {
      wanted: /ImagePullBackOff/,
      async meanwhile() {
        let second: Pod | undefined;
        await until(async () => {
          const pods = await podsOf(place, "web");
          second = pods.find(({ metadata }) =>
            metadata.name !== first.metadata.name
          );
          return second !== undefined;
        });
        ok(second);
        await setStatus(
          place,
          second,
          containerIn({
            waiting: {
              reason: "ImagePullBackOff",
              message: "Back-off pulling",
            },
          }),
        );
      },
    });
    match(
      report,
      /^Waiting for Deployment "web" in namespace ".*": .*replicas.*: Pod "web-.*": its container "main" waits: ImagePullBackOff: Back-off pulling$/,
    );
  },
);

Deno.test(
  "while it waits, reports say why: unschedulable, and the last warning about the pod",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { report } = await reportOf(place, [
      deployment(place.namespace, "web"),
    ], {
      wanted: /not scheduled.*FailedMount/,
      async meanwhile() {
        const [pod] = await podsOf(place, "web");
        ok(pod);
        await setStatus(place, pod, {
          conditions: [{
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: "0/1 nodes are available",
            lastTransitionTime: NOW,
          }],
        });
        const object = { kind: "Pod", ...pod.metadata };
        const reason = "FailedMount";
        await warn(place, object, { reason, message: 'secret "a" not found' });
        await warn(place, object, { reason, message: 'secret "a" not found' });
      },
    });
    match(
      report,
      /: Pod "web-.*": it is not scheduled: 0\/1 nodes are available; FailedMount: secret "a" not found$/,
    );
  },
);

Deno.test("while it waits, reports say why: quota", CONTROLLERS, async () => {
  await using place = await openPlace();
  const { report } = await reportOf(place, [
    'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: "0"}}\n',
    deployment(place.namespace, "web"),
  ], { wanted: /exceeded quota/ });
  match(report, /Deployment "web" .*: 0 of 1 replicas .*exceeded quota: none/);
});

Deno.test(
  "while it waits, reports say why: webhook down",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { kube, namespace } = place;
    const hooks =
      "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    await write(kube, hooks, {
      method: "POST",
      type: "application/json",
      body: {
        metadata: { name: namespace },
        webhooks: [{
          name: "pods.example.com",
          clientConfig: { url: "https://127.0.0.1:1/" },
          rules: [{
            apiGroups: [""],
            apiVersions: ["v1"],
            operations: ["CREATE"],
            resources: ["pods"],
          }],
          namespaceSelector: {
            matchLabels: { "kubernetes.io/metadata.name": namespace },
          },
          failurePolicy: "Fail",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        }],
      },
    });
    try {
      // A StatefulSet has no condition for it, so that only Events tell.
      const { report } = await reportOf(place, [
        `apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: local/none:1}]}}}\n`,
      ], { wanted: /webhook/ });
      match(
        report,
        /StatefulSet "db" .*: 0 of 1 replicas are ready: FailedCreate: .*failed calling webhook "pods\.example\.com"/,
      );
    } finally {
      await write(kube, `${hooks}/${namespace}`, { method: "DELETE" });
    }
  },
);

Deno.test("while it waits, reports say why: finalizer", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const path = `/api/v1/namespaces/${namespace}/services/web`;
  const { report } = await reportOf(place, [
    "apiVersion: v1\nkind: Service\nmetadata: {name: web, finalizers: [example.com/held]}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n",
  ], {
    wanted: /being deleted/,
    async meanwhile() {
      await until(async () => {
        const answer = await kube.fetch(path, { method: "DELETE" });
        await answer.body?.cancel();
        return answer.ok;
      });
    },
  });
  match(
    report,
    /Service "web" .*: it is being deleted, and held by the finalizers "example\.com\/held"/,
  );
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("while it waits, reports tell the last warnings about an object that has no pods", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const path = `/api/v1/namespaces/${namespace}/services/web`;
  const { report } = await reportOf(place, [
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n",
  ], {
    wanted: /SyncLoadBalancerFailed/,
    async meanwhile() {
      let uid = "";
      await until(async () => {
        const answer = await kube.fetch(path);
        uid = (await answer.json()).metadata.uid ?? "";
        return answer.ok;
      });
      await warn(place, { kind: "Service", name: "web", uid }, {
        reason: "SyncLoadBalancerFailed",
        message: "no address is left",
      });
    },
  });
  match(
    report,
    /: its load balancer has no address yet: SyncLoadBalancerFailed: no address is left$/,
  );
});

/** A clock on which minutes pass in seconds. */
const FAST: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * 30,
  sleep: (ms, options) => systemClock.sleep(ms / 30, options),
};

/** What a container waits for, how often it was restarted, and how the event ends. */
const HOPELESS: Readonly<
  Record<string, readonly [state: unknown, restarts: number, end: RegExp]>
> = {
  "InvalidImageName": [
    { waiting: { reason: "InvalidImageName", message: "no such name" } },
    0,
    /its container "main" waits: InvalidImageName: no such name$/,
  ],
  "ErrImageNeverPull": [
    { waiting: { reason: "ErrImageNeverPull" } },
    0,
    /its container "main" waits: ErrImageNeverPull$/,
  ],
  "CrashLoopBackOff, the sixth time": [
    { waiting: { reason: "CrashLoopBackOff" } },
    5,
    /its container "main" was restarted 5 times, and ended with exit code 3 \(Error\)$/,
  ],
};

for (const kind of ["Deployment", "Pod"]) {
  Deno.test(
    `it fails early when it cannot succeed: a ${kind}`,
    CONTROLLERS,
    async (t) => {
      await using place = await openPlace();
      const { namespace, executor } = place;
      let count = 0;
      for (
        const [name, [state, restartCount, end]] of Object.entries(HOPELESS)
      ) {
        await t.step(name, async () => {
          const app = `${kind.toLowerCase()}-${count++}`;
          const manifest = kind === "Deployment"
            ? deployment(namespace, app)
            : `apiVersion: v1\nkind: Pod\nmetadata: {name: ${app}, labels: {app: ${app}}}\nspec: {containers: [{name: main, image: local/none:1}]}\n`;
          const running = runEvent(executor, [manifest]);
          const [pod] = await podsOf(place, app);
          ok(pod);
          const terminated = { exitCode: 3, reason: "Error" };
          await setStatus(
            place,
            pod,
            containerIn(state, { restartCount, lastState: { terminated } }),
          );
          const run = await running;
          strictEqual(run.last.error?.code, "failed", run.last.message);
          match(run.last.message, new RegExp(`^Cannot get ${kind} "${app}"`));
          match(run.last.message, end);
          const details = run.last.error?.details as {
            waiting: { kind: string; reason: string }[];
          };
          strictEqual(details.waiting[0]?.kind, kind);
          match(details.waiting[0]?.reason ?? "", end);
        });
      }
    },
  );
}

Deno.test(
  "a Job counts its own failures: it is not given up for its pod's restarts",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { report } = await reportOf(place, [
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec: {backoffLimit: 20, template: {metadata: {labels: {app: job}}, spec: {restartPolicy: OnFailure, containers: [{name: main, image: local/none:1}]}}}\n",
    ], {
      wanted: /restarted/,
      async meanwhile() {
        const [pod] = await podsOf(place, "job");
        ok(pod);
        const terminated = { exitCode: 3, reason: "Error" };
        await setStatus(
          place,
          pod,
          containerIn({ waiting: { reason: "CrashLoopBackOff" } }, {
            restartCount: 7,
            lastState: { terminated },
          }),
        );
      },
    });
    match(
      report,
      /^Waiting for Job "job" .*: 0 of 1 pods have succeeded: Pod "job-.*": its container "main" was restarted 7 times, and ended with exit code 3 \(Error\)$/,
    );
  },
);

Deno.test(
  "ImagePullBackOff has a grace period, and is given up after it",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { namespace, kube } = place;
    await using executor = await openExecutor({
      kubeconfig: kube.kubeconfig,
      namespace,
    }, { clock: FAST, rng: systemRng });
    const startedAt = FAST.monotonic();
    const running = runEvent(executor, [deployment(namespace, "web")]);
    const [pod] = await podsOf(place, "web");
    ok(pod);
    await setStatus(
      place,
      pod,
      containerIn({ waiting: { reason: "ImagePullBackOff" } }),
    );
    const run = await running;
    strictEqual(run.last.error?.code, "failed", run.last.message);
    match(run.last.message, /its container "main" waits: ImagePullBackOff$/);
    ok(FAST.monotonic() - startedAt >= 90_000);
  },
);

Deno.test(
  "who may not read pods or events asks and is told so once, and waits all the same",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { namespace, kube } = place;
    await using proxy = await FaultProxy.open({
      server: kube.server,
      caPem: kube.address.caPem,
    });
    const secret = /\/(pods|events)\?/;
    proxy.inject({
      path: secret,
      times: 100,
      fault: status(403, "it is forbidden", { reason: "Forbidden" }),
    });
    await using config = await proxied(proxy, kube, { namespace });
    let looks = 0;
    const clock: Clock = {
      ...FAST,
      sleep(ms, options) {
        if ([1_500, 2_250, 3_375].includes(ms)) looks++; // before the first looks at pods and Events
        return FAST.sleep(ms, options);
      },
    };
    await using agent = await openExecutor(config.config, {
      clock,
      rng: systemRng,
    });
    const running = runEvent(agent, [
      deployment(namespace, "web"),
      deployment(namespace, "api"),
    ]);
    await until(() => Promise.resolve(looks >= 3));
    for (const app of ["web", "api"]) {
      const [pod] = await podsOf(place, app);
      ok(pod);
      await setStatus(place, pod, {
        phase: "Running",
        conditions: ["Initialized", "ContainersReady", "Ready"].map((type) => ({
          type,
          status: "True",
          lastTransitionTime: NOW,
        })),
      });
    }
    const run = await running;
    strictEqual(run.last.state, "completed", run.last.message);
    const what = (text: string) => /(pods|events)/.exec(text)?.[1];
    const asked = proxy.seen.filter(({ path }) => secret.test(path))
      .map(({ path }) => what(path));
    deepStrictEqual(asked.toSorted(), ["events", "pods"]);
    deepStrictEqual(run.warnings.map(what).toSorted(), ["events", "pods"]);
    for (const warning of run.warnings) {
      match(
        warning,
        /^Why objects are not ready is not known in full: Cannot read ".*": it is forbidden$/,
      );
    }
  },
);
