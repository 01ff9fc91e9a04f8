/** Scripts as Jobs, as far as an API server without nodes goes: what is asked for, and that nothing stays. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { parseAllDocuments } from "yaml";
import { Bench } from "../../plugins/script/testing/bench.ts";
import { until } from "../system.ts";
import { systemClock, systemRng } from "@transporter/sdk";
import { openCluster } from "../../plugins/k8s_resource/port.ts";
import { JobApi } from "../../plugins/script/job/api.ts";
import { CONTROLLERS, freshNamespace, testCluster } from "./cluster.ts";
import { proxied } from "./k8s_resource.ts";
import { FaultProxy } from "../fault_proxy.ts";

interface Item {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: { readonly active?: number };
}

async function list(kube: LocalKube, path: string): Promise<readonly Item[]> {
  const answer = await kube.fetch(path);
  return (await answer.json()).items;
}

/** Which Kubernetes it is, as labels of a namespace say it. */
async function minorOf(kube: LocalKube): Promise<string> {
  const { major, minor } = await (await kube.fetch("/version")).json();
  return `v${major}.${minor}`;
}

/** Where scripts run that are Jobs, and what an agent may do there. */
const MANIFESTS = await Deno.readTextFile(
  new URL("../../deploy/script/jobs.yaml", import.meta.url),
);

/** A place where only Pods may be that are locked down, as {@linkcode MANIFESTS} says. */
async function place(kube: LocalKube) {
  const namespace = await freshNamespace(kube);
  const path = `/api/v1/namespaces/${namespace.name}`;
  const [manifest] = parseAllDocuments(MANIFESTS);
  const { kind, metadata: { labels } } = manifest?.toJS();
  strictEqual(kind, "Namespace");
  // Of the cluster that is tested with, and of no other one that comes later.
  deepStrictEqual(labels, {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": await minorOf(kube),
  });
  const answer = await kube.fetch(path, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ metadata: { labels } }),
  });
  ok(answer.ok, await answer.text());
  return namespace;
}

function open(
  kube: LocalKube,
  namespace: string,
  { job = {}, ...more }: {
    readonly job?: Readonly<Record<string, unknown>>;
    readonly user?: string;
  } = {},
): Promise<Bench> {
  return Bench.open({
    runners: ["job"],
    processes: 32,
    ...more,
    job: {
      network_policy: "ignore", // no Pod begins here
      ...job,
      cluster: { kubeconfig: kube.kubeconfig },
      namespace,
      images: ["docker.io/local/busybox:1", `other@sha256:${"0".repeat(64)}`],
    },
  });
}

Deno.test(
  "script as a Job is admitted where only what is locked down may run, and leaves nothing when it is cancelled",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await place(kube);
    await using bench = await open(kube, namespace.name);
    const at = (version: string, kind: string) =>
      `/${version}/namespaces/${namespace.name}/${kind}`;
    const stop = new AbortController();
    const running = bench.run({
      script: "date",
      args: ["$(id)", "a b"],
      env: { STAGE: "test", TOKEN: { secret: "s3cret" } },
      stdin: "input",
      timeout: "1m",
    }, { signal: stop.signal });
    const [pod] = await until(async () => {
      const pods = await list(kube, at("api/v1", "pods"));
      return pods.length > 0 ? pods : undefined;
    });
    const [job] = await list(kube, at("apis/batch/v1", "jobs"));
    const [secret] = await list(kube, at("api/v1", "secrets"));
    ok(pod && job && secret);
    const {
      backoffLimit,
      podReplacementPolicy,
      suspend,
      activeDeadlineSeconds,
    } = job.spec;
    deepStrictEqual(
      { backoffLimit, podReplacementPolicy, suspend, activeDeadlineSeconds },
      {
        backoffLimit: 0,
        podReplacementPolicy: "Failed",
        suspend: false,
        activeDeadlineSeconds: 300,
      },
    );
    deepStrictEqual(Object.keys(secret.data ?? {}).sort(), [
      "env.STAGE",
      "env.TOKEN",
      "script",
      "stdin",
    ]);
    const spec = JSON.stringify(pod.spec);
    ok(!spec.includes("s3cret") && !spec.includes("date"), spec);
    const {
      containers,
      automountServiceAccountToken,
      activeDeadlineSeconds: own,
    } = pod.spec as {
      containers: { command: string[]; imagePullPolicy: string }[];
      automountServiceAccountToken: boolean;
      activeDeadlineSeconds: number;
    };
    strictEqual(automountServiceAccountToken, false);
    strictEqual(own, 240);
    strictEqual(containers[0]?.imagePullPolicy, "Never");
    deepStrictEqual(containers[0]?.command.slice(3).toSpliced(2, 1), [
      "32",
      "1024",
      "STAGE",
      "TOKEN",
      "--",
      "/bin/sh",
      "/script",
      "$(id)",
      "a b",
    ]);

    stop.abort();
    strictEqual((await running).last.state, "cancelled");
    await until(async () => {
      const left = [
        ...await list(kube, at("apis/batch/v1", "jobs")),
        ...await list(kube, at("api/v1", "pods")),
        ...await list(kube, at("api/v1", "secrets")),
      ];
      return left.length === 0 ? true : undefined;
    });
  },
);

Deno.test(
  "script as a Job has the RuntimeClass, the pull secrets and the user of the operator, or none where the cluster chooses one",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await place(kube);
    const runtime = `gvisor-${namespace.name}`;
    const classes = "/apis/node.k8s.io/v1/runtimeclasses";
    const made = await kube.fetch(classes, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ metadata: { name: runtime }, handler: "runsc" }),
    });
    ok(made.ok, await made.text());
    try {
      await using bench = await open(kube, namespace.name, {
        user: "cluster",
        job: {
          runtime_class: runtime,
          pull_secrets: ["registry.one", "registry-two"],
        },
      });
      const stop = new AbortController();
      const running = bench.run("date", { signal: stop.signal });
      const [pod] = await until(async () => {
        const pods = await list(
          kube,
          `/api/v1/namespaces/${namespace.name}/pods`,
        );
        return pods.length > 0 ? pods : undefined;
      });
      stop.abort();
      await running;
      const { runtimeClassName, securityContext, hostUsers, imagePullSecrets } =
        pod?.spec ?? {};
      deepStrictEqual(imagePullSecrets, [
        { name: "registry.one" },
        { name: "registry-two" },
      ]);
      strictEqual(runtimeClassName, runtime);
      strictEqual(hostUsers, undefined);
      deepStrictEqual(securityContext, {
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
    } finally {
      const answer = await kube.fetch(`${classes}/${runtime}`, {
        method: "DELETE",
      });
      await answer.body?.cancel();
    }
  },
);

Deno.test(
  "script as a Job: two Pods try at the start what the cluster keeps them from, one with users of its own, and go with the agent",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await place(kube);
    const at = `/api/v1/namespaces/${namespace.name}/pods`;
    {
      await using _bench = await open(kube, namespace.name, {
        job: { network_policy: "require" },
      });
      const pods = await until(async () => {
        const found = await list(kube, at);
        return found.length === 2 ? found : undefined;
      });
      deepStrictEqual(
        pods.map(({ spec: { hostUsers = true } }) => hostUsers).sort(),
        [false, true],
      );
    }
    await until(async () =>
      (await list(kube, at)).length === 0 ? true : undefined
    );
  },
);

Deno.test("script as a Job that is there already, as a request whose answer was lost had made it, is taken at once", async () => {
  await using kube = await testCluster();
  await using namespace = await place(kube);
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube);
  using cluster = await openCluster(through.config, {
    clock: systemClock,
    rng: systemRng,
  });
  const api = new JobApi({
    namespace: namespace.name,
    user: { uid: 47533, gid: 47533 },
    memoryMib: 64,
    processes: 32,
    files: 64,
    tmpMib: 1,
    pullSecrets: [],
  }, cluster.client);
  const spec = {
    ...{ id: "e", attempt: 1, image: "docker.io/local/busybox:1" },
    ...{ payload: { script: "date" }, command: ["/bin/sh"], timeoutMs: 1000 },
  };
  const bounds = {
    signal: new AbortController().signal,
    until: Date.now() + 20_000,
  };
  await api.begin(spec, bounds);
  await api.begin(spec, bounds);
  const made = proxy.seen.filter(({ method, path }) =>
    method === "POST" && path.endsWith("/jobs")
  );
  strictEqual(made.length, 2);
  await api.remove(spec, bounds);
});

Deno.test("script as a Job is refused where the image, the size or the runner is not allowed", async () => {
  await using kube = await testCluster();
  await using bench = await open(kube, "none");
  const cases = [
    [
      { runner: "job", image: "other:1" },
      "denied",
      /in the image "other:1": this agent allows "docker/,
    ],
    [
      { runner: "process" },
      "denied",
      /the runner "process": this agent has "job"/,
    ],
    [{ stdin: "x".repeat(1_000_001) }, "too_large", /a Secret takes 1000000/],
  ] as const;
  for (const [payload, code, why] of cases) {
    const { last } = await bench.run({ script: "date", ...payload });
    strictEqual(last.error?.code, code, last.message);
    match(last.message, why);
  }
});

Deno.test(
  "script as a Job whose Secret is refused leaves no Job behind",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using namespace = await place(kube);
    await using bench = await open(kube, namespace.name);
    const quota = await kube.fetch(
      `/api/v1/namespaces/${namespace.name}/resourcequotas`,
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          metadata: { name: "none" },
          spec: { hard: { "count/secrets": "0" } },
        }),
      },
    );
    ok(quota.ok, await quota.text());
    const { last } = await bench.run({ script: "date", timeout: "20s" });
    match(last.message, /Cannot create the Secret of the script: .*quota/);
    await until(async () =>
      (await list(kube, `/apis/batch/v1/namespaces/${namespace.name}/jobs`))
          .length === 0
        ? true
        : undefined
    );
  },
);

/** What the manifests for Jobs of scripts are at the API. */
const RESOURCES: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
  NetworkPolicy: "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies",
  ResourceQuota: "/api/v1/namespaces/NS/resourcequotas",
  Role: "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
  RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
};

Deno.test("deploy/script/jobs.yaml gives an agent what it needs for scripts, and no more", async () => {
  await using kube = await testCluster();
  await using own = await freshNamespace(kube); // the agent's, in place of "transporter"
  const send = async (path: string, body: unknown) => {
    const answer = await kube.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    ok(answer.ok, text);
    return JSON.parse(text);
  };
  const text = MANIFESTS
    .replaceAll("namespace: transporter\n", `namespace: ${own.name}\n`);
  const documents = parseAllDocuments(text);
  try {
    for (const document of documents) {
      const { kind, metadata, ...object } = document.toJS();
      const path = RESOURCES[kind]?.replace("NS", metadata.namespace);
      await send(path ?? kind, { kind, metadata, ...object });
    }
    const may = async (
      verb: string,
      group: string,
      { resource, namespace = "tp-run-default" }: {
        readonly resource: string;
        readonly namespace?: string;
      },
    ) => {
      const [name, subresource] = resource.split("/");
      const { status } = await send(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SubjectAccessReview",
          spec: {
            user: `system:serviceaccount:${own.name}:transporter-agent`,
            resourceAttributes: {
              namespace,
              verb,
              group,
              resource: name,
              ...(subresource === undefined ? {} : { subresource }),
            },
          },
        },
      );
      return status.allowed === true;
    };
    const verbs = ["create", "get", "list", "patch", "delete"];
    const allowed: string[] = [];
    for (
      const [group, resource] of [
        ["batch", "jobs"],
        ["", "secrets"],
        ["", "pods"],
        ["", "pods/log"],
        ["", "pods/exec"],
      ] as const
    ) {
      for (const verb of verbs) {
        if (await may(verb, group, { resource })) {
          allowed.push(`${verb} ${resource}`);
        }
      }
    }
    deepStrictEqual(allowed, [
      "create jobs",
      "get jobs",
      "patch jobs",
      "delete jobs",
      "create secrets",
      "delete secrets",
      "list pods",
      "delete pods",
      "get pods/log",
    ]);
    // Its own Pod says which image it has.
    const there = { resource: "pods", namespace: own.name };
    const looks: string[] = [];
    for (const verb of verbs) if (await may(verb, "", there)) looks.push(verb);
    deepStrictEqual(looks, ["get"]);
  } finally {
    const answer = await kube.fetch("/api/v1/namespaces/tp-run-default", {
      method: "DELETE",
    });
    await answer.body?.cancel();
  }
});
