/** The rights that `rbac generate --gated` prints are enough for an agent whose policies look at Namespaces. */
import { match, ok, strictEqual } from "node:assert/strict";
import { openGate } from "@transporter/plugins";
import { generateRights } from "@transporter/plugins/rights";
import { systemClock, systemRng } from "@transporter/sdk";
import { policyOf } from "../../plugins/policy/testing/events.ts";
import { actAs } from "./identity.ts";
import { configMap, openPlace, openPlugin, runEvent } from "./k8s_resource.ts";

const POLICY = policyOf("ours", {
  matchConstraints: {
    resourceRules: [{
      apiGroups: [""],
      apiVersions: ["v1"],
      operations: ["*"],
      resources: ["configmaps"],
    }],
  },
  validations: [{
    expression: "namespaceObject.metadata.labels[?'team'].orValue('') == 'a'",
    message: "it is not in a namespace of team a",
  }],
});

Deno.test("generateRights() for an agent with policies: enough to see the labels of a Namespace, and without them not", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const labelled = await runEvent(executor, [{
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: { team: "a" } },
  }]);
  strictEqual(labelled.last.state, "completed", labelled.last.message);
  const manifests = [configMap(namespace, "one")];

  async function runWith(gated: boolean) {
    const name = gated ? "gated" : "bare";
    const { objects, notes } = await generateRights({
      manifests,
      namespace,
      name,
      account: { namespace, name },
      deletes: false,
      waits: true,
      anyName: false,
      tells: true,
      gated,
    }, {
      clock: systemClock,
      rng: systemRng,
      signal: new AbortController().signal,
    });
    strictEqual(notes.some((note) => note.includes("paramKind")), gated);
    const given = await runEvent(executor, [{
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name, namespace },
    }, ...objects]);
    strictEqual(given.last.state, "completed", given.last.message);
    await using account = await actAs(kube, { namespace, name });
    const config = { kubeconfig: account.kubeconfig, namespace };
    const warnings: string[] = [];
    await using gate = await openGate({
      documents: POLICY.map((each) => JSON.stringify(each)),
      cluster: config,
      warn: (warning) => warnings.push(warning),
    });
    await using agent = await openPlugin({ ...config, gate });
    const { last } = await runEvent(agent, manifests);
    return { last, warnings };
  }

  const bare = await runWith(false);
  match(bare.last.message, /it is not in a namespace of team a/);
  ok(bare.warnings.some((warning) => warning.includes("may not be read")));
  const gated = await runWith(true);
  strictEqual(gated.last.state, "completed", gated.last.message);
});
