/** What is waited for between one group of objects and the next: README.md, "Order and delete". */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { executorBehindProxy } from "./behind_proxy.ts";
import { CONTROLLERS } from "./cluster.ts";
import {
  changes,
  deployment,
  openPlace,
  read,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: { readonly deletionTimestamp?: string };
}

Deno.test(
  "order: a range of addresses is ready before a Service that has one of them",
  CONTROLLERS,
  async () => {
    await using place = await executorBehindProxy();
    const { namespace, executor, proxy } = place;
    const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
    const address = (last: number) => `10.${a}.${b}.${(c ?? 0) & 0xf0 | last}`;
    const manifests = [
      `apiVersion: v1
kind: Service
metadata: {name: s, namespace: ${namespace}}
spec: {clusterIP: ${address(7)}, ports: [{port: 80}]}
`,
      `apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: ${namespace}}
spec: {cidrs: ["${address(0)}/28"]}
`,
    ];
    const names = ["Service/s", `ServiceCIDR/${namespace}`];
    const run = await runEvent(executor, manifests);
    deepStrictEqual(
      changes(run),
      names.map((name) => `${name}: created`),
      run.last.message,
    );
    const work = proxy.seen.map(({ method, path }) => {
      const [, resource = ""] = /\/(servicecidrs|services)\b/.exec(path) ?? [];
      return `${method} ${resource}`;
    });
    const begun = work.indexOf("PATCH servicecidrs");
    const next = work.indexOf("PATCH services");
    ok(work.slice(begun, next).includes("GET servicecidrs"), work.join());
    await runEvent(executor, manifests, {
      payload: { operation: "delete", wait: "applied" },
    });
  },
);

Deno.test("delete.order: custom objects are gone before the Deployment of their operator", async () => {
  await using place = await openPlace();
  const { executor, namespace, kube } = place;
  const group = `${namespace}.example.com`;
  const definition = thingDefinition(group);
  const manifests = [
    deployment(namespace, "operator"),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, finalizers: [example.com/hold]}\n`,
  ];
  const made = await runEvent(executor, [definition, ...manifests], {
    payload: { wait: "applied" },
  });
  strictEqual(made.last.state, "completed", made.last.message);
  const operator = `/apis/apps/v1/namespaces/${namespace}/deployments/operator`;
  const thing = `/apis/${group}/v1/namespaces/${namespace}/things/t`;
  const seen: (string | undefined)[] = [];
  const run = await runEvent(executor, manifests, {
    payload: { operation: "delete" },
    async onStatus({ message }) {
      if (!message.startsWith('Waiting until Thing "t"')) return;
      const { metadata } = await read<Live>(kube, operator);
      seen.push(metadata.deletionTimestamp);
      await write(kube, thing, {
        method: "PATCH",
        body: { metadata: { finalizers: null } },
      });
    },
  });
  deepStrictEqual(seen, [undefined]);
  deepStrictEqual(changes(run), [
    "Deployment/operator: deleted",
    "Thing/t: deleted",
  ]);
  await runEvent(executor, [definition], { payload: { operation: "delete" } });
});
