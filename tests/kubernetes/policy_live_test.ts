/** The objects of a cluster, judged. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Executor } from "@transporter/sdk";
import {
  openPolicy,
  policyOf,
  runPolicy,
  told,
} from "../../plugins/policy/testing/events.ts";
import { policyKind } from "../../plugins/policy/mod.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { FaultProxy } from "../fault_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { proxied } from "./k8s_resource.ts";

type Json = Readonly<Record<string, unknown>>;

async function open(): Promise<
  AsyncDisposable & {
    readonly kube: LocalKube;
    readonly namespace: string;
    readonly executor: Executor;
  }
> {
  await using stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: namespace } = stack.use(await freshNamespace(kube));
  const executor = stack.use(
    await openPolicy({ cluster: { kubeconfig: kube.kubeconfig } }),
  );
  const all = stack.move();
  return {
    ...{ kube, namespace, executor },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function create(kube: LocalKube, path: string, body: Json) {
  const response = await kube.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  strictEqual(response.status, 201, await response.text());
}

function configMap(name: string, labels: Json, data: Json = {}): Json {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, labels },
    data,
  };
}

Deno.test("live objects are judged page by page, by kind, namespace and label", async () => {
  await using place = await open();
  const { kube, namespace, executor } = place;
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const count = 650; // three pages: of 100, of 500, and the rest
  for (let at = 0; at < count; at += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => {
      const number = at + index;
      const tier = number % 2 === 0 ? "web" : "db";
      return create(
        kube,
        path,
        configMap(`m${number}`, { tier }, { n: `${number}` }),
      );
    }));
  }
  const policies = policyOf("numbers", {
    validations: [{
      expression: "!has(object.data) || int(object.data.n) < 648",
      messageExpression:
        "object.metadata.name + ' has ' + string(object.data.n)",
    }],
  });
  const target = { kind: "ConfigMap", namespace };
  const all = await runPolicy(executor, {
    policies,
    targets: [{ ...target, label_selector: "tier" }],
  });
  deepStrictEqual(all.result.summary, {
    objects: 650,
    error: 2,
    warning: 0,
    info: 0,
  });
  deepStrictEqual(told(all).sort(), [
    "error numbers/validations[0] ConfigMap/m648: m648 has 648",
    "error numbers/validations[0] ConfigMap/m649: m649 has 649",
  ]);
  deepStrictEqual(all.result.policies, [
    { policy: "numbers", objects: 650, error: 2, warning: 0, info: 0 },
  ]);
  const web = await runPolicy(executor, {
    policies,
    targets: [{ ...target, api_version: "v1", label_selector: "tier=web" }],
  });
  strictEqual(web.result.summary.objects, 325);
  deepStrictEqual(told(web), [
    "error numbers/validations[0] ConfigMap/m648: m648 has 648",
  ]);
});

Deno.test("objects of which a page would be too large are judged in smaller pages", async () => {
  await using place = await open();
  const { kube, namespace, executor } = place;
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const half = "é".repeat(250_000);
  const count = 40; // 20 MB; an answer may have 16 MiB
  for (let n = 0; n < count; n++) {
    await create(kube, path, configMap(`m${n}`, { big: "yes" }, { half }));
  }
  const run = await runPolicy(executor, {
    policies: policyOf("large", {
      validations: [{ expression: "size(object.data.half) == 250000" }],
    }),
    targets: [{ kind: "ConfigMap", namespace, label_selector: "big" }],
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.result.summary, {
    objects: count,
    error: 0,
    warning: 0,
    info: 0,
  });
});

Deno.test("the Namespace of a live object, and what its policy looks up, are read from the cluster", async () => {
  await using place = await open();
  const { kube, namespace, executor } = place;
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  await create(kube, path, configMap("limits", {}, { max: "3" }));
  await create(kube, path, configMap("seven", { judged: "yes" }, { n: "7" }));
  const audited = await runPolicy(executor, {
    policies: policyOf("limited", {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{
        expression: "int(object.data.n) <= int(params.data.max)",
        messageExpression:
          "namespaceObject.metadata.name + ': at most ' + string(params.data.max)",
      }],
    }, {
      paramRef: { name: "limits", parameterNotFoundAction: "Deny" },
    }),
    targets: [{ kind: "ConfigMap", namespace, label_selector: "judged=yes" }],
  });
  deepStrictEqual(told(audited), [
    `error limited/validations[0] ConfigMap/seven: ${namespace}: at most 3`,
  ]);
});

Deno.test("a policy for another version of a kind judges the objects in that version", async () => {
  await using place = await open();
  const { kube, namespace, executor } = place;
  await create(
    kube,
    `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
    {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "web" },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: {
          apiVersion: "apps/v1",
          kind: "Deployment",
          name: "web",
        },
        metrics: [{
          type: "Resource",
          resource: {
            name: "cpu",
            target: { type: "Utilization", averageUtilization: 80 },
          },
        }],
      },
    },
  );
  const policies = policyOf("old", {
    matchConstraints: {
      resourceRules: [{
        apiGroups: ["autoscaling"],
        apiVersions: ["v1"],
        operations: ["CREATE"],
        resources: ["horizontalpodautoscalers"],
      }],
    },
    validations: [{
      expression: "object.spec.targetCPUUtilizationPercentage < 80",
      messageExpression:
        "object.apiVersion + ' says ' + string(object.spec.targetCPUUtilizationPercentage)",
    }],
  });
  const targets = [{
    kind: "HorizontalPodAutoscaler",
    api_version: "autoscaling/v2",
    namespace,
  }];
  const audited = await runPolicy(executor, { policies, targets });
  deepStrictEqual(told(audited), [
    "error old/validations[0] HorizontalPodAutoscaler/web: autoscaling/v1 says 80",
  ]);
  const [policy, binding] = policies;
  const spec = policy?.["spec"] as Json;
  const matchConstraints = {
    ...spec["matchConstraints"] as Json,
    matchPolicy: "Exact",
  };
  const exact = await runPolicy(executor, {
    policies: [{ ...policy, spec: { ...spec, matchConstraints } }, binding],
    targets,
  });
  deepStrictEqual(told(exact), []);
});

Deno.test("what cannot be judged by looking at objects is said", async () => {
  await using place = await open();
  const { namespace, executor } = place;
  const rule = { apiGroups: [""], apiVersions: ["v1"] };
  const { result } = await runPolicy(executor, {
    policies: policyOf("others", {
      matchConstraints: {
        resourceRules: [
          { ...rule, operations: ["CONNECT"], resources: ["pods/exec"] },
          { ...rule, operations: ["DELETE"], resources: ["pods"] },
        ],
      },
      validations: [{ expression: "false" }],
    }),
    targets: [{ kind: "Pod", namespace }],
  });
  deepStrictEqual(result.warnings, [
    'The policy "others" is also for the operation CONNECT, which cannot be judged by looking at objects',
    'The policy "others" is also for the subresource "pods/exec", which cannot be judged by looking at objects',
    'The policy "others" is also for the operation DELETE, which cannot be judged by looking at objects',
  ]);
});

Deno.test("a kind that the cluster does not have ends the event, by name", async () => {
  await using place = await open();
  const { last } = await runPolicy(place.executor, {
    policies: policyOf("any", { validations: [{ expression: "true" }] }),
    targets: [{ kind: "Deploymint" }],
  });
  strictEqual(last.error?.code, "unknown_kind");
  match(
    last.error?.message ?? "",
    /"Deploymint": .*the nearest is "Deployment"/,
  );
});

/** Selectors, and whether an API server takes them. */
const SELECTORS: Readonly<Record<string, boolean>> = {
  "app": true,
  " app , tier=web ": true,
  "!app": true,
  "app=": true,
  "app==web,tier!=test": true,
  "example.com/app = web": true,
  "app in (web, db),tier notin (test)": true,
  "app in ()": true,
  "app>1,app<3": true,
  "app=web=a": false,
  "app web": false,
  "=web": false,
  "app=a/b": false,
  "app in web": false,
  ",": false,
  "app,,tier": false,
  "app in (web": false,
};

Deno.test("a selector that an API server would refuse is refused at submit, and no other", async () => {
  await using place = await open();
  for (const [selector, isTaken] of Object.entries(SELECTORS)) {
    const payload = {
      policies: policyOf("any", { validations: [{ expression: "true" }] }),
      targets: [{ kind: "ConfigMap", label_selector: selector }],
    };
    const answer = await place.kube.fetch(
      `/api/v1/configmaps?labelSelector=${encodeURIComponent(selector)}`,
    );
    await answer.body?.cancel();
    strictEqual(
      answer.status === 200,
      isTaken,
      `${selector}: ${answer.status}`,
    );
    const refused = await policyKind.check(payload).then(
      () => false,
      () => true,
    );
    strictEqual(refused, !isTaken, selector);
  }
});

Deno.test("a namespace of a kind whose objects are in none ends the event", async () => {
  await using place = await open();
  const { last } = await runPolicy(place.executor, {
    policies: policyOf("any", { validations: [{ expression: "true" }] }),
    targets: [{ kind: "Node", namespace: "default" }],
  });
  deepStrictEqual([last.error?.code, last.error?.message], [
    "invalid",
    'Cannot look at the kind "Node" in the namespace "default": its objects are in none',
  ]);
});

Deno.test("a cluster that does not answer is said, once, and tried again", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube);
  const { kubeconfig } = through.config;
  await using executor = await openPolicy({ cluster: { kubeconfig } });
  proxy.inject({ fault: "cut", path: /\/namespaces\//, times: 3 });
  const messages: string[] = [];
  const { last } = await runPolicy(
    executor,
    {
      manifests: [{
        ...configMap("a", {}),
        metadata: { name: "a", namespace: namespace.name },
      }],
      policy_rules: [{
        name: "none",
        type: "forbidden_kind",
        parameters: { kinds: ["Secret"] },
      }],
    },
    undefined,
    ({ message }) => messages.push(message),
  );
  strictEqual(last.state, "completed", last.message);
  const said = messages.filter((message) =>
    message.startsWith("Tried again: ")
  );
  strictEqual(said.length, 1, messages.join("\n"));
});
