import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  kinds,
  listed,
  maps,
  openBehindProxy,
  PART_OF,
  send,
} from "./apply_set.ts";
import {
  configMap,
  openPlace,
  openPlugin,
  type Place,
  thingDefinition,
} from "./k8s_resource.ts";

/** The kind of every object that says it is a member of the set, wherever it is. */
async function memberKinds(place: Place, group: string): Promise<string[]> {
  const { namespace } = place;
  const at = {
    ConfigMap: `/api/v1/namespaces/${namespace}/configmaps`,
    ServiceAccount: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    [`Thing.${group}`]: `/apis/${group}/v1/namespaces/${namespace}/things`,
    "CustomResourceDefinition.apiextensions.k8s.io":
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  };
  const found: string[] = [];
  for (const [kind, path] of Object.entries(at)) {
    const objects = await listed(place, path).catch((error) => {
      if (/answered 404/.test(String(error))) return []; // the definition is gone
      throw error;
    });
    const ours = objects.filter(({ metadata }) =>
      kind.startsWith("Custom")
        ? metadata.name === `things.${group}`
        : metadata.labels?.[PART_OF] !== undefined
    );
    if (ours.length > 0) found.push(kind);
  }
  return found;
}

Deno.test("option apply_set: an agent that ends before any of its requests, or before their answers, loses no member", async (t) => {
  for (const fault of ["cut", "cut_after"] as const) {
    let more = true;
    let n = 1;
    for (; more; n++) {
      await t.step(`${fault} at write ${n}`, async () => {
        await using cluster = await openBehindProxy();
        const { place, behind, proxy, config } = cluster;
        const { namespace } = place;
        const group = `${namespace}.example.com`;
        await send(place, [
          configMap(namespace, "a"),
          thingDefinition(group),
          `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\n`,
        ]);
        const event = { id: "killed" };
        const manifests = [
          configMap(namespace, "b"),
          "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n",
        ];
        const payload = { prune_kinds: ["CustomResourceDefinition"] };
        const agent = new AbortController();
        proxy.inject({
          method: ["POST", "PATCH", "DELETE"],
          path: /^(?!.*\/selfsubject)/, // questions about rights
          fault,
          after: n - 1,
        });
        const killed = await send(behind, manifests, payload, {
          ...event,
          signal: agent.signal,
          onStatus({ message }) {
            if (message.startsWith("Trying again")) agent.abort();
          },
        });
        more = killed.last.state !== "completed";
        const covered = (await kinds(place)).split(",");
        for (const kind of await memberKinds(place, group)) {
          ok(covered.includes(kind), `${kind} is lost: ${covered}`);
        }
        proxy.heal();
        await using next = await openPlugin(config);
        const run = await send({ executor: next }, manifests, payload, {
          ...event,
          attempt: 2,
        });
        strictEqual(run.last.state, "completed", run.last.message);
        strictEqual(await kinds(place), "ConfigMap,ServiceAccount");
        deepStrictEqual(await maps(place), ["b"]);
        deepStrictEqual(await memberKinds(place, group), [
          "ConfigMap",
          "ServiceAccount",
        ]);
      });
    }
    ok(n > 8, `only ${n - 1} tries`);
  }
});

Deno.test("option apply_set: of 1,000 members 999 go in one event", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const names = Array.from({ length: 1_000 }, (_, i) => `m-${i}`);
  const all = names.map((name) => configMap(namespace, name)).join("---\n");
  const first = await send(place, [all]);
  strictEqual(first.last.state, "completed", first.last.message);
  const run = await send(place, [configMap(namespace, "m-500")]);
  strictEqual(run.last.state, "completed", run.last.message);
  strictEqual(
    run.objects.filter(({ status }) => status === "deleted").length,
    999,
  );
  deepStrictEqual(await maps(place), ["m-500"]);
});
