/** What the gate asks the API server for beside the dry run and the object, and how long it goes by the answers. */
import { deepStrictEqual, rejects } from "node:assert/strict";
import { systemRng } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { openCluster } from "../../plugins/k8s_resource/port.ts";
import { PolicyGate } from "../../plugins/policy/gate.ts";
import { policyOf } from "../../plugins/policy/testing/events.ts";
import { FaultProxy } from "../fault_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { proxied, write } from "./k8s_resource.ts";

const POLICIES = policyOf("limits", {
  paramKind: { apiVersion: "v1", kind: "ConfigMap" },
  validations: [
    { expression: "request.userInfo.username != 'nobody'" },
    {
      expression: "namespaceObject.metadata.labels.?stage.orValue('') != 'off'",
      message: "it is off",
    },
    {
      expression: "object.data.a != params.data.no",
      messageExpression: "'no ' + params.data.no",
    },
  ],
}, { paramRef: { name: "limits", parameterNotFoundAction: "Deny" } });

/** Writes that are judged, by a clock of the test; `requests` are those of the gate alone. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: namespace } = stack.use(await freshNamespace(kube));
  const proxy = stack.use(
    await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
  );
  const { config } = stack.use(await proxied(proxy, kube));
  const clock = new TestClock(Date.now());
  const ports = { clock, rng: systemRng };
  const plain = stack.use(await openCluster(config, ports));
  const gate = await PolicyGate.open({
    documents: POLICIES.map((each) => JSON.stringify(each)),
    open: () => Promise.resolve(plain),
    warn() {},
  });
  const { client } = stack.use(await openCluster({ ...config, gate }, ports));
  const { signal } = new AbortController();
  const home = `/api/v1/namespaces/${namespace}`;
  const apply = (path: string, object: object) =>
    client.call({
      method: "PATCH",
      path: `${path}?fieldManager=test&force=true`,
      contentType: "application/apply-patch+yaml",
      body: JSON.stringify({ apiVersion: "v1", ...object }),
    }, { doing: "apply it", signal, until: clock.now() + 60_000 });
  const maps = `${home}/configmaps`;
  const map = (name: string, data: object) => ({
    kind: "ConfigMap",
    metadata: { name },
    data,
  });
  /** What somebody else does. */
  const put = (path: string, object: object) =>
    write(kube, `${path}?fieldManager=other&force=true`, {
      method: "PATCH",
      type: "application/apply-patch+yaml",
      body: { apiVersion: "v1", ...object },
    });
  const ours = new Map([
    [home, "the namespace"],
    [`${maps}/limits`, "the params"],
    ["/apis/authentication.k8s.io/v1/selfsubjectreviews", "who we are"],
  ]);
  const all = stack.move();
  return {
    clock,
    apply: (name: string) => apply(`${maps}/${name}`, map(name, { a: "b" })),
    annotate: () =>
      apply(home, {
        kind: "Namespace",
        metadata: { name: namespace, annotations: { a: "b" } },
      }),
    limits: (no: string) => put(`${maps}/limits`, map("limits", { no })),
    staged: (stage: string) =>
      put(home, {
        kind: "Namespace",
        metadata: { name: namespace, labels: { stage } },
      }),
    requests() {
      const paths = proxy.seen.splice(0).filter(({ method }) =>
        method !== "PATCH"
      ).map(({ path }) => ours.get(path.split("?")[0] ?? ""));
      return paths.filter((each) => each !== undefined).sort();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const ALL = ["the namespace", "the params", "who we are"];

Deno.test("what the gate has looked at it goes by for a second, and no longer", async () => {
  await using place = await open();
  const { clock, apply, limits, staged, requests } = place;
  await limits("c");
  await apply("one");
  deepStrictEqual(requests(), ALL);
  await apply("two");
  await apply("three");
  deepStrictEqual(requests(), []);

  await limits("b");
  await clock.advance(1_000);
  await rejects(apply("four"), /no b$/);
  await limits("c");
  await staged("off");
  await clock.advance(1_000);
  await rejects(apply("four"), /it is off$/);
  await staged("on");
  await clock.advance(1_000);
  await apply("four");
  deepStrictEqual(requests(), [...ALL, ...ALL, ...ALL].sort());
});

Deno.test("a Namespace that is written is looked at anew by what is written next", async () => {
  await using place = await open();
  const { apply, annotate, limits, requests } = place;
  await limits("c");
  await apply("one");
  await annotate();
  requests();
  await apply("two");
  deepStrictEqual(requests(), ["the namespace", "the params"]);
});
