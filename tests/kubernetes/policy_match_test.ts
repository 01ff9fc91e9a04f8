/** Policies are for the same writes here as on the API server. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { openGate } from "@transporter/plugins";
import { matchBoth } from "../../plugins/policy/match.ts";
import type { Write } from "../../plugins/k8s_resource/port.ts";
import type { Fields } from "../../plugins/policy/subject.ts";
import { policyOf } from "../../plugins/policy/testing/events.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import {
  type MatchCase,
  MATCHES,
  NAMESPACE_LABELS,
  objectOf,
  type Written,
} from "./policy_matches.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

Deno.test("matchBoth() has policies judge what they and their bindings are for", async (t) => {
  for (const [name, each] of Object.entries(MATCHES)) {
    await t.step(name, () => {
      const { policy, binding = {}, write, isFor, isStricter } = each;
      const { kind } = matchBoth(policy, binding, {
        ...{ of: write.of, name: write.name, operation: write.operation },
        namespace: write.of.namespaced ? "shop" : "",
        object: objectOf(write, write.after, "shop"),
        oldObject: objectOf(write, write.before, "shop"),
        namespaceObject: write.of.namespaced
          ? {
            metadata: {
              labels: {
                "kubernetes.io/metadata.name": "shop",
                ...NAMESPACE_LABELS,
              },
            },
          }
          : null,
      });
      strictEqual(kind !== "no", isFor || isStricter === true);
      if (isStricter) strictEqual(kind, "version");
    });
  }
});

/** What a kind needs besides. */
const BODIES: Readonly<Record<string, Fields>> = {
  HorizontalPodAutoscaler: {
    spec: {
      maxReplicas: 2,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" },
    },
  },
};

/** One line of the table with objects of its own: their labels name it, and so does a condition of its policy. */
class Line {
  readonly name: string;
  readonly #case: MatchCase;
  readonly #namespace: string;

  constructor(each: MatchCase, name: string, namespace: string) {
    // The table calls all objects "one".
    this.#case = JSON.parse(
      JSON.stringify(each).replaceAll('"one"', JSON.stringify(name)),
    );
    this.name = name;
    this.#namespace = namespace;
  }

  get documents(): readonly Fields[] {
    const { policy, binding = {} } = this.#case;
    const expression =
      `[object, oldObject].exists(each, each != null && each.?metadata.?labels[?'line'].orValue('') == '${this.name}')`;
    return policyOf(this.name, {
      matchConstraints: policy,
      matchConditions: [{ name: "own", expression }],
      validations: [{ expression: "false" }],
    }, { matchResources: binding });
  }

  #object(labels: Written["after"]): Fields | null {
    const { write } = this.#case;
    const own = labels && { ...labels, line: this.name };
    const object = objectOf(write, own, this.#namespace);
    return object && { ...BODIES[write.of.kind], ...object };
  }

  /** Where objects of the kind are. */
  get path(): string {
    const { group, version, resource, namespaced } = this.#case.write.of;
    const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const within = namespaced ? `/namespaces/${this.#namespace}` : "";
    return `${root}${within}/${resource}`;
  }

  /** The object as it is before; `null` when there is none. */
  get before(): Fields | null {
    return this.#object(this.#case.write.before);
  }

  /** The write as a gate sees it. */
  get write(): Write {
    const { of, operation, name, after } = this.#case.write;
    return {
      ...{ ...of, operation, name },
      namespace: of.namespaced ? this.#namespace : "",
      ...{ object: this.#object(after), oldObject: this.before },
      user: () => Promise.resolve({}),
    };
  }

  /** Whether the API server denies it. */
  async isDenied(kube: LocalKube): Promise<boolean> {
    const { operation, object } = this.write;
    const [method, path] = operation === "CREATE" ? ["POST", this.path] : [
      operation === "UPDATE" ? "PUT" : "DELETE",
      `${this.path}/${this.name}`,
    ];
    const { status, text } = await send(kube, `${path}?dryRun=All`, {
      method,
      ...object === null ? {} : { body: JSON.stringify(object) },
    });
    if (status < 300) return false;
    const denial = `ValidatingAdmissionPolicy '${this.name}'`;
    strictEqual(text.includes(denial), true, `${method} ${path}: ${text}`);
    return true;
  }
}

async function send(
  kube: LocalKube,
  path: string,
  init: { readonly method: string; readonly body?: string },
): Promise<{ status: number; text: string }> {
  const response = await kube.fetch(path, {
    ...init,
    headers: { "content-type": "application/json" },
  });
  return { status: response.status, text: await response.text() };
}

async function isDeniedByGate(kube: LocalKube, line: Line): Promise<boolean> {
  await using gate = await openGate({
    documents: line.documents.map((each) => JSON.stringify(each)),
    cluster: { kubeconfig: kube.kubeconfig },
    warn() {},
  });
  try {
    await gate.check(line.write, new AbortController().signal);
    return false;
  } catch (error) {
    if (error instanceof TransporterError && error.code === "denied") {
      // That it takes the Namespace from the policy is not what is asked here.
      const { rule } = error.details as { readonly rule: string };
      return rule !== "namespaceSelector";
    }
    throw error;
  }
}

Deno.test("policies are for the writes that they are for on the API server", async (t) => {
  await using kube = await testCluster();
  await using place = await freshNamespace(kube);
  await using made = new AsyncDisposableStack();
  const { name: namespace } = place;

  async function create(path: string, object: Fields): Promise<void> {
    const { name } = object["metadata"] as Fields;
    const body = JSON.stringify(object);
    const { status, text } = await send(kube, path, { method: "POST", body });
    strictEqual(status, 201, text);
    made.defer(async () => {
      await send(kube, `${path}/${name}`, { method: "DELETE" });
    });
  }

  const home = await kube.fetch(`/api/v1/namespaces/${namespace}`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ metadata: { labels: NAMESPACE_LABELS } }),
  });
  strictEqual(home.status, 200, await home.text());
  const entries = Object.entries(MATCHES);
  const lines = entries.map(([, each], index) =>
    new Line(each, `${namespace}-${index}`, namespace)
  );
  // It is made last, so that all are in force once this one is.
  const last = new Line(
    {
      policy: {
        resourceRules: [{
          ...{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"] },
          resources: ["configmaps"],
        }],
      },
      write: { ...MATCHES["group: its own"]!.write },
      isFor: true,
    },
    `${namespace}-last`,
    namespace,
  );
  for (const { path, before } of lines) {
    if (before !== null) await create(path, before);
  }
  for (const { documents: [policy, binding] } of [...lines, last]) {
    await create(`${ADMISSION}/validatingadmissionpolicies`, policy!);
    await create(`${ADMISSION}/validatingadmissionpolicybindings`, binding!);
  }
  while (!await last.isDenied(kube)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const [index, [name, { isFor, isStricter }]] of entries.entries()) {
    await t.step(name, async () => {
      const line = lines[index]!;
      deepStrictEqual({
        theirs: await line.isDenied(kube),
        ours: await isDeniedByGate(kube, line),
      }, { theirs: isFor, ours: isFor || isStricter === true });
    });
  }
});
