/** The operator's policies decide about every write of `k8s_resource`. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Executor } from "@transporter/sdk";
import { openGate } from "@transporter/plugins";
import { policyOf } from "../../plugins/policy/testing/events.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import {
  changes,
  configMap,
  configMapPath,
  deployment,
  grant,
  openPlugin,
  type Run,
  runEvent,
} from "./k8s_resource.ts";

type Json = Readonly<Record<string, unknown>>;

const ALL = {
  matchConstraints: {
    resourceRules: [{
      apiGroups: ["*"],
      apiVersions: ["*"],
      operations: ["*"],
      resources: ["*"],
    }],
  },
};

interface Gated extends AsyncDisposable {
  readonly kube: LocalKube;
  readonly namespace: string;
  /** Without policies. */
  readonly free: Executor;
  /** An executor whose writes are judged. */
  gated(...documents: readonly Json[]): Promise<Executor>;
}

async function open(): Promise<Gated> {
  await using stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: namespace } = stack.use(await freshNamespace(kube));
  const config = { kubeconfig: kube.kubeconfig, namespace, kube_events: false };
  const free = stack.use(await openPlugin(config));
  const all = stack.move();
  return {
    ...{ kube, namespace, free },
    async gated(...documents) {
      const gate = all.use(
        await openGate({
          documents: documents.map((each) => JSON.stringify(each)),
          cluster: config,
          warn() {},
        }),
      );
      return all.use(await openPlugin({ ...config, gate }));
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function read(kube: LocalKube, path: string): Promise<Json | undefined> {
  const response = await kube.fetch(path);
  const body = await response.json();
  return response.ok ? body : undefined;
}

function denied(run: Run): string {
  strictEqual(run.last.state, "failed", JSON.stringify(run.last));
  strictEqual(run.last.error?.code, "denied");
  return run.last.error.message;
}

Deno.test("a write is judged by what it would make of the object, not by what was sent", async () => {
  await using place = await open();
  const { kube, namespace, free } = place;
  await runEvent(free, [
    deployment(namespace, "web").replace("replicas: 1", "replicas: 7"),
  ], { payload: { wait: "none", field_manager: "somebody" } });
  const executor = await place.gated(...policyOf("replicas", {
    ...ALL,
    validations: [{
      expression: "!has(object.spec.replicas) || object.spec.replicas <= 5",
      messageExpression: "'not ' + string(object.spec.replicas)",
    }],
  }));
  const manifest = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: ${namespace}
  labels: {team: a}
`;
  const run = await runEvent(executor, [manifest], {
    payload: { wait: "none" },
  });
  strictEqual(
    denied(run),
    `Cannot change Deployment "web" in namespace "${namespace}": the policy "replicas" of this agent (validations[0]) does not allow it: not 7`,
  );
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
  const { metadata } = await read(kube, path) ?? {};
  strictEqual((metadata as Json)["labels"], undefined);
});

Deno.test("a write is judged with the server's defaults, and passes where it may", async () => {
  await using place = await open();
  const executor = await place.gated(...policyOf("defaults", {
    ...ALL,
    validations: [{
      expression:
        "object.kind != 'Deployment' || object.spec.strategy.type == 'RollingUpdate'",
    }],
  }));
  const run = await runEvent(executor, [
    deployment(place.namespace, "web"),
    configMap(place.namespace, "a"),
  ], { payload: { wait: "none" } });
  deepStrictEqual(changes(run), [
    "Deployment/web: created",
    "ConfigMap/a: created",
  ]);
});

Deno.test("what is there is oldObject; an apply, a patch and a delete are judged", async () => {
  await using place = await open();
  const { kube, namespace, free } = place;
  const path = configMapPath(namespace, "fixed");
  await runEvent(free, [configMap(namespace, "fixed", "a: one")]);
  const executor = await place.gated(...policyOf("fixed", {
    ...ALL,
    validations: [
      {
        expression: "request.operation != 'DELETE'",
        messageExpression:
          "request.userInfo.username + ' deletes ' + oldObject.data.a",
      },
      {
        expression:
          "oldObject == null || object == null || object.data.a == oldObject.data.a",
        messageExpression: "oldObject.data.a + ' stays'",
      },
    ],
  }));
  const changed = configMap(namespace, "fixed", "a: two");
  const applied = await runEvent(executor, [changed]);
  match(denied(applied), /\(validations\[1\]\) does not allow it: one stays$/);
  const patched = await runEvent(executor, [changed], {
    payload: { operation: "patch", patch: { data: { a: "three" } } },
  });
  match(denied(patched), /^Cannot change ConfigMap "fixed" .*one stays$/);
  const deleted = await runEvent(executor, [changed], {
    payload: { operation: "delete" },
  });
  match(
    denied(deleted),
    /^Cannot delete ConfigMap "fixed" .*: \S+ deletes one$/,
  );
  deepStrictEqual((await read(kube, path))?.["data"], { a: "one" });
  const same = await runEvent(executor, [
    configMap(namespace, "fixed", "a: one"),
  ]);
  deepStrictEqual(changes(same), ["ConfigMap/fixed: unchanged"]);
});

Deno.test("an object whose name the event makes up is judged, too", async () => {
  await using place = await open();
  const { kube, namespace } = place;
  const executor = await place.gated(...policyOf("named", {
    ...ALL,
    validations: [{
      expression: "!object.metadata.name.startsWith('run-')",
      messageExpression: "request.operation + ' of ' + request.kind.kind",
    }],
  }));
  const manifest = configMap(namespace, "x").replace(
    "name: x",
    "generateName: run-",
  );
  const run = await runEvent(executor, [manifest]);
  match(denied(run), /does not allow it: CREATE of ConfigMap$/);
  const list = await read(kube, `/api/v1/namespaces/${namespace}/configmaps`);
  const names = (list?.["items"] as Json[]).map(({ metadata }) =>
    String((metadata as Json)["name"])
  );
  deepStrictEqual(names.filter((name) => name.startsWith("run-")), []);
});

Deno.test("what only warns passes, and the result says so", async () => {
  await using place = await open();
  const executor = await place.gated(
    ...policyOf("advice", {
      ...ALL,
      validations: [{ expression: "false", message: "think again" }],
    }, { validationActions: ["Warn"] }),
    ...policyOf("broken", {
      ...ALL,
      failurePolicy: "Ignore",
      validations: [{ expression: "object.none == 1" }],
    }),
  );
  const run = await runEvent(executor, [configMap(place.namespace, "a")]);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"]);
  deepStrictEqual(run.warnings, [
    `ConfigMap "a" in namespace "${place.namespace}": The policy "advice" of this agent (validations[0]): think again`,
  ]);
});

Deno.test("what a policy only notes passes, and the result says so, also of a patch and a delete", async () => {
  await using place = await open();
  const { namespace } = place;
  const executor = await place.gated(
    ...policyOf("noted", {
      ...ALL,
      validations: [{ expression: "false", message: "think again" }],
    }, { validationActions: ["Audit"] }),
    ...policyOf("annotated", {
      validations: [{ expression: "true" }],
      auditAnnotations: [
        { key: "a", valueExpression: "'a is ' + object.data.a" },
        { key: "none", valueExpression: "null" },
      ],
    }),
    ...policyOf("once", {
      validations: [{ expression: "false", message: "warned" }],
    }, { validationActions: ["Warn", "Audit"] }),
  );
  const told = (...texts: readonly string[]) =>
    texts.map((text) =>
      `ConfigMap "a" in namespace "${namespace}": The policy ${text}`
    );
  const map = configMap(namespace, "a", "a: one");
  const applied = await runEvent(executor, [map]);
  deepStrictEqual(changes(applied), ["ConfigMap/a: created"]);
  deepStrictEqual(
    applied.warnings,
    told(
      '"noted" of this agent (validations[0]) notes: think again',
      '"annotated" of this agent (auditAnnotations["a"]) notes: a is one',
      '"once" of this agent (validations[0]): warned',
    ),
  );
  const patched = await runEvent(executor, [map], {
    payload: { operation: "patch", patch: { data: { a: "two" } } },
  });
  ok(patched.warnings.join().includes("notes: a is two"), `${patched.last}`);
  const deleted = await runEvent(executor, [map], {
    payload: { operation: "delete" },
  });
  deepStrictEqual(
    deleted.warnings,
    told('"noted" of this agent (validations[0]) notes: think again'),
  );
});

Deno.test("a policy that cannot be judged lets nothing pass", async () => {
  await using place = await open();
  const broken = await place.gated(...policyOf("broken", {
    ...ALL,
    validations: [{ expression: "object.none == 1" }],
  }));
  match(
    denied(await runEvent(broken, [configMap(place.namespace, "a")])),
    /the policy "broken" .* resulted in error: no such key: none$/,
  );
  const noParams = await place.gated(...policyOf("limits", {
    ...ALL,
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    validations: [{ expression: "params.data.a == 'b'" }],
  }, {
    paramRef: { name: "none", parameterNotFoundAction: "Deny" },
  }));
  match(
    denied(await runEvent(noParams, [configMap(place.namespace, "a")])),
    /\(paramRef\) .*no params found/,
  );
});

Deno.test("what changes admission in the cluster is judged as everything else", async () => {
  await using place = await open();
  const { kube, namespace } = place;
  const gated = await place.gated(
    ...policyOf("admission", {
      ...ALL,
      validations: [{
        expression: "object.apiVersion != 'admissionregistration.k8s.io/v1'",
        message: "admission is not the sender's",
      }],
    }),
  );
  for (
    const [kind, plural, body] of [
      ["MutatingWebhookConfiguration", "mutatingwebhookconfigurations", ""],
      ["ValidatingWebhookConfiguration", "validatingwebhookconfigurations", ""],
      [
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        "spec: {policyName: none, validationActions: [Deny]}\n",
      ],
    ] as const
  ) {
    const group = "admissionregistration.k8s.io/v1";
    const head =
      `apiVersion: ${group}\nkind: ${kind}\nmetadata: {name: ${namespace}}\n`;
    match(
      denied(await runEvent(gated, [head + body])),
      /admission is not the sender's/,
    );
    const path = `/apis/${group}/${plural}/${namespace}`;
    strictEqual(await read(kube, path), undefined);
  }
});

Deno.test("nothing is deleted to be made anew before it is known that the new one may be made, and the old one deleted", async () => {
  await using place = await open();
  const { kube, namespace, free } = place;
  const kept = (value: string) =>
    `apiVersion: v1
kind: ConfigMap
metadata: {name: kept, namespace: ${namespace}}
immutable: true
data: {a: ${value}}
`;
  const data = async () =>
    (await read(kube, configMapPath(namespace, "kept")))?.["data"];
  await runEvent(free, [kept("one")]);
  const replacing = { payload: { replace_immutable: true } };
  const choosy = await place.gated(...policyOf("choosy", {
    ...ALL,
    validations: [{
      expression:
        "object == null || object.metadata.name == 'kept' && object.data.a != 'two'",
      message: "no two",
    }],
  }));
  const run = await runEvent(choosy, [kept("two")], replacing);
  match(denied(run), /no two; so "replace_immutable" has deleted nothing$/);
  deepStrictEqual(await data(), { a: "one" });
  const other = await runEvent(choosy, [kept("three")], replacing);
  strictEqual(other.last.state, "completed", other.last.message);
  deepStrictEqual(await data(), { a: "three" });

  const keeping = await place.gated(...policyOf("keeping", {
    ...ALL,
    validations: [{ expression: "object != null", message: "all stays" }],
  }));
  match(
    denied(await runEvent(keeping, [kept("four")], replacing)),
    /all stays$/,
  );
  deepStrictEqual(await data(), { a: "three" });
});

Deno.test("labels of the namespace, and what a policy looks up, are the cluster's", async () => {
  await using place = await open();
  const { namespace, free } = place;
  await runEvent(free, [configMap(namespace, "limits", "max: '3'")]);
  const executor = await place.gated(...policyOf("limits", {
    ...ALL,
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    validations: [{
      expression: "int(object.data.count) <= int(params.data.max)",
      messageExpression:
        "namespaceObject.metadata.name + ': at most ' + string(params.data.max)",
    }],
  }, {
    paramRef: { name: "limits", parameterNotFoundAction: "Deny" },
    matchResources: {
      namespaceSelector: {
        matchLabels: { "kubernetes.io/metadata.name": namespace },
      },
    },
  }));
  const over = await runEvent(executor, [
    configMap(namespace, "a", "count: '4'"),
  ]);
  match(denied(over), new RegExp(`: ${namespace}: at most 3$`));
  const within = await runEvent(executor, [
    configMap(namespace, "a", "count: '2'"),
  ]);
  deepStrictEqual(changes(within), ["ConfigMap/a: created"]);
});

Deno.test("what a policy looks up, and the labels of namespaces that it goes by, are not for events to change", async () => {
  await using place = await open();
  const { kube, namespace, free } = place;
  const labelled = (stage: string) =>
    `apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}, labels: {stage: ${stage}}}
`;
  const limits = (max: string) =>
    configMap(namespace, "limits", `max: '${max}'`);
  await runEvent(free, [labelled("live"), limits("3")]);
  const executor = await place.gated(...policyOf("limits", {
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    validations: [{ expression: "object.data.?count.orValue('') != '4'" }],
  }, {
    paramRef: { name: "limits", parameterNotFoundAction: "Allow" },
    matchResources: {
      namespaceSelector: { matchLabels: { stage: "live" } },
    },
  }));
  const payload = { operation: "delete" };
  for (
    const run of [
      await runEvent(executor, [limits("9")]),
      await runEvent(executor, [limits("3")], { payload }),
    ]
  ) {
    match(
      denied(run),
      /^Cannot (?:change|delete) ConfigMap "limits" .*: the policy "limits" of this agent \(paramRef\) does not allow it: it looks things up there, which no event may change$/,
    );
  }
  match(
    denied(await runEvent(executor, [labelled("test")])),
    /^Cannot change Namespace .*\(namespaceSelector\) does not allow it: it would hold there no longer, and no event may change that$/,
  );
  const same = await runEvent(executor, [labelled("live"), limits("3")]);
  strictEqual(same.last.state, "completed", same.last.message);
  const { metadata } = await read(kube, `/api/v1/namespaces/${namespace}`) ??
    {};
  strictEqual(((metadata as Json)["labels"] as Json)["stage"], "live");
  const data = (await read(kube, configMapPath(namespace, "limits")))?.["data"];
  deepStrictEqual(data, { max: "3" });
});

Deno.test("what is pruned is judged, too", async () => {
  await using place = await open();
  const { kube, namespace, free } = place;
  const maps = (...names: readonly string[]) =>
    names.map((name) => configMap(namespace, name));
  const payload = { apply_set: "web" };
  await runEvent(free, maps("a", "b"), { payload });
  const executor = await place.gated(...policyOf("kept", {
    ...ALL,
    validations: [{
      expression:
        "request.operation != 'DELETE' || oldObject.kind != 'ConfigMap'",
      message: "it stays",
    }],
  }));
  const run = await runEvent(executor, maps("a"), { payload });
  match(denied(run), /^Cannot delete ConfigMap "b" .*: it stays$/);
  strictEqual(
    (await read(kube, configMapPath(namespace, "b")))?.["kind"],
    "ConfigMap",
  );
});

Deno.test("request.userInfo is whoever the event acts as", async () => {
  await using place = await open();
  const { kube, namespace } = place;
  await grant(
    { kube, namespace },
    { kind: "ServiceAccount", name: "deployer", namespace },
    {
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: ["get", "create", "patch"],
    },
  );
  const executor = await place.gated(...policyOf("who", {
    ...ALL,
    validations: [{
      expression: "request.userInfo.username.endsWith(':admin')",
      messageExpression: "'not ' + request.userInfo.username",
    }],
  }));
  const run = await runEvent(executor, [configMap(namespace, "a")], {
    payload: { as: { service_account: `${namespace}/deployer` } },
  });
  match(
    denied(run),
    new RegExp(`: not system:serviceaccount:${namespace}:deployer$`),
  );
});
