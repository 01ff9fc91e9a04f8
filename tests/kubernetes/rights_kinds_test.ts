import { deepStrictEqual, ok } from "node:assert/strict";
import { generateRights, type PolicyRule } from "@transporter/plugins/rights";
import { systemClock, systemRng } from "@transporter/sdk";
import { openPlace } from "./k8s_resource.ts";

/** A group of the API, as discovery tells it. */
interface Group {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly resources: readonly {
      readonly resource: string;
      readonly scope: string;
      readonly responseKind: { readonly kind: string };
      readonly verbs: readonly string[];
    }[];
  }[];
}

Deno.test("generateRights() knows each kind of a Kubernetes by itself", async () => {
  await using place = await openPlace();
  const groups = await Promise.all(["/api", "/apis"].map(async (path) => {
    const accept =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const answer = await place.kube.fetch(path, { headers: { accept } });
    const { items }: { readonly items: readonly Group[] } = await answer.json();
    return items;
  }));
  let count = 0;
  for (const { metadata: { name: group = "" }, versions } of groups.flat()) {
    if (/\.example(\.com)?$/.test(group)) continue; // of other tests
    for (const { version, resources } of versions) {
      for (const { resource, scope, responseKind, verbs } of resources) {
        if (!verbs.includes("patch")) continue;
        count++;
        const { kind } = responseKind;
        const { objects } = await generateRights({
          manifests: [
            `{apiVersion: ${
              group === "" ? version : `${group}/${version}`
            }, kind: ${kind}, metadata: {name: a}}`,
          ],
          namespace: "shop",
          name: "agent",
          account: { namespace: "ops", name: "agent" },
          deletes: false,
          waits: false,
          anyName: false,
          tells: false,
        }, {
          clock: systemClock,
          rng: systemRng,
          signal: new AbortController().signal,
        });
        const [role] = objects;
        deepStrictEqual(
          [role?.kind, (role?.rules as PolicyRule[])[0]?.resources],
          [scope === "Namespaced" ? "Role" : "ClusterRole", [resource]],
          `${group} ${kind}`,
        );
      }
    }
  }
  ok(count > 40);
});
