/** Policies are judged here as the API server judges them: the same answers, the same messages. */
import { deepStrictEqual } from "node:assert/strict";
import {
  openPolicy,
  policyOf,
  runPolicy,
} from "../../plugins/policy/testing/events.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { CASES } from "./policy_cases.ts";
import { type PolicyCase, REFUSED_EXPRESSIONS } from "./policy_expressions.ts";

const POLICIES =
  "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";

type Json = Readonly<Record<string, unknown>>;

/** What somebody says about an object: what denies it first, and what it is warned of. */
interface Answer {
  readonly denied: string | undefined;
  readonly warned: readonly string[];
}

async function send(
  kube: LocalKube,
  path: string,
  method: string,
  body?: unknown,
): Promise<{ status: number; body: Json; warnings: readonly string[] }> {
  const response = await kube.fetch(path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const warnings = [
    ...(response.headers.get("warning") ?? "").matchAll(
      /299 \S+ "((?:[^"\\]|\\.)*)"/g,
    ),
  ].map(([, text = ""]) => JSON.parse(`"${text}"`));
  return { status: response.status, body: await response.json(), warnings };
}

function pathOf({ kind }: Json, namespace: string): string {
  return kind === "Deployment"
    ? `/apis/apps/v1/namespaces/${namespace}/deployments`
    : `/api/v1/namespaces/${namespace}/configmaps`;
}

/** A policy and its binding for one case: only objects of the test that are labelled for it. */
function documentsOf(
  { spec, binding }: PolicyCase,
  name: string,
  namespace: string,
): readonly Json[] {
  const own = {
    namespaceSelector: {
      matchLabels: { "kubernetes.io/metadata.name": namespace },
    },
    objectSelector: { matchLabels: { case: name } },
  };
  return policyOf(name, spec, { matchResources: own, ...binding });
}

function labelled(
  { object }: PolicyCase,
  name: string,
  namespace: string,
): Json {
  const metadata = object["metadata"] as Json;
  const labels = { ...metadata["labels"] as Json, case: name };
  return { ...object, metadata: { ...metadata, namespace, labels } };
}

async function tried(kube: LocalKube, object: Json): Promise<Answer> {
  const namespace = String((object["metadata"] as Json)["namespace"]);
  const path = `${pathOf(object, namespace)}?dryRun=All`;
  const { status, body, warnings } = await send(kube, path, "POST", object);
  const prefix =
    /^.*?ValidatingAdmissionPolicy '[^']*' with binding '[^']*'(?: denied request)?: /s;
  return {
    denied: status < 300
      ? undefined
      : String(body["message"]).replace(prefix, ""),
    warned: warnings.map((each) => each.replace(prefix, "")),
  };
}

Deno.test("policies are judged as the API server judges them", async (t) => {
  await using kube = await testCluster();
  await using place = await freshNamespace(kube);
  await using made = new AsyncDisposableStack();
  await using executor = await openPolicy({
    cluster: { kubeconfig: kube.kubeconfig },
  });
  const { name: namespace } = place;
  const nameOf = (index: number) => `${namespace}-${index}`;

  async function create(document: Json): Promise<void> {
    const { name } = document["metadata"] as Json;
    const path = document["kind"] === "ValidatingAdmissionPolicy"
      ? POLICIES
      : document["kind"] === "ConfigMap"
      ? `/api/v1/namespaces/${namespace}/configmaps`
      : `${POLICIES.replace("policies", "policybindings")}`;
    const { status, body } = await send(kube, path, "POST", document);
    deepStrictEqual(status, 201, JSON.stringify(body));
    made.defer(async () => {
      await send(kube, `${path}/${name}`, "DELETE");
    });
  }

  for (const name of ["limits", "more-limits"]) {
    await create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace, labels: { limits: "yes" } },
      data: { max: name === "limits" ? "3" : "5" },
    });
  }
  const before = await Promise.all(CASES.map(async (each, index) => {
    const object = labelled(each, nameOf(index), namespace);
    const path = `${pathOf(object, namespace)}?dryRun=All`;
    return (await send(kube, path, "POST", object)).body;
  }));
  for (const [index, each] of CASES.entries()) {
    for (const document of documentsOf(each, nameOf(index), namespace)) {
      await create(document);
    }
  }
  // What is made last is seen last, so all are in force once this one is.
  const last: PolicyCase = {
    about: "in force",
    spec: { validations: [{ expression: "false", message: "in force" }] },
    object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "last" } },
  };
  const lastName = `${namespace}-last`;
  for (const document of documentsOf(last, lastName, namespace)) {
    await create(document);
  }
  while (
    (await tried(kube, labelled(last, lastName, namespace))).denied ===
      undefined
  ) await new Promise((resolve) => setTimeout(resolve, 100));

  for (const [index, each] of CASES.entries()) {
    await t.step(each.about, async () => {
      const object = labelled(each, nameOf(index), namespace);
      let theirs = await tried(kube, object);
      while (theirs.denied?.includes("not yet synced")) {
        theirs = await tried(kube, object);
      }
      const { result } = await runPolicy(executor, {
        policies: documentsOf(each, nameOf(index), namespace),
        manifests: [before[index]],
      });
      const found = result.resource_status.filter(({ rule }) =>
        !rule.startsWith("auditAnnotations")
      );
      const ours: Answer = {
        denied: found.find(({ severity }) => severity === "error")?.message,
        warned: found.filter(({ severity }) => severity === "warning")
          .map(({ message }) => message),
      };
      deepStrictEqual(ours, theirs);
      deepStrictEqual(theirs.denied !== undefined, each.denied ?? false);
    });
  }
});

Deno.test("expressions that the API server refuses are refused here", async (t) => {
  await using kube = await testCluster();
  await using executor = await openPolicy();
  for (const spec of REFUSED_EXPRESSIONS) {
    await t.step(JSON.stringify(spec), async () => {
      const documents = policyOf("refused", spec);
      const { status } = await send(
        kube,
        `${POLICIES}?dryRun=All`,
        "POST",
        documents[0],
      );
      const { last } = await runPolicy(executor, {
        policies: documents,
        manifests: [{
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "a" },
        }],
      });
      deepStrictEqual([status, last.error?.code], [422, "invalid"]);
    });
  }
});
