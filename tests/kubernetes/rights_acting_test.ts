/** Rights of events that act as a ServiceAccount: README.md, "Agent rights". */
import { match, strictEqual } from "node:assert/strict";
import { generateRights } from "@transporter/plugins/rights";
import { systemClock, systemRng } from "@transporter/sdk";
import { actAs } from "./identity.ts";
import {
  configMap,
  openPlace,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

const SURROUNDINGS = {
  clock: systemClock,
  rng: systemRng,
  signal: new AbortController().signal,
};

Deno.test("rbac.generate: what events need that act as a ServiceAccount, with groups and extra fields, and no other", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  for (const name of ["agent", "deployer"]) {
    await write(kube, `/api/v1/namespaces/${namespace}/serviceaccounts`, {
      method: "POST",
      type: "application/json",
      body: { metadata: { name } },
    });
  }
  await using agent = await actAs(kube, { namespace, name: "agent" });
  await using executor = await agent.executor(namespace);
  const group = `${namespace}:deployers`;
  const { objects } = await generateRights({
    manifests: [configMap(namespace, "a")],
    name: namespace,
    account: { namespace, name: "agent" },
    as: {
      account: { namespace, name: "deployer" },
      groups: [group],
      extra: [["Example.com/project", "shop"]],
    },
    deletes: false,
    waits: true,
    anyName: false,
    tells: false,
    gated: false,
  }, SURROUNDINGS);
  const applied = await runEvent(place.executor, objects);
  strictEqual(applied.last.state, "completed", applied.last.message);
  const as = {
    service_account: `${namespace}/deployer`,
    groups: [group],
    extra: { "Example.com/project": ["shop"] },
  };
  const run = (identity: object) =>
    runEvent(executor, [configMap(namespace, "a")], {
      payload: { as: identity },
    });
  await until(async () => (await run(as)).last.state === "completed");
  for (
    const other of [
      { ...as, service_account: `${namespace}/default` },
      { ...as, groups: ["system:masters"] },
      { ...as, extra: { "Example.com/project": ["other"] } },
    ]
  ) {
    const { last } = await run(other);
    strictEqual(last.error?.code, "denied", JSON.stringify(other));
    match(last.message, /cannot impersonate/);
  }
  const names = objects.filter(({ kind }) => String(kind).startsWith("Cluster"))
    .map(({ kind }) => String(kind).toLowerCase());
  for (const kind of names) {
    await write(
      kube,
      `/apis/rbac.authorization.k8s.io/v1/${kind}s/${namespace}-as`,
      { method: "DELETE" },
    );
  }
});
