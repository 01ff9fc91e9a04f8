import { strictEqual } from "node:assert/strict";
import { freshNamespace, testCluster } from "./cluster.ts";
import { openPlugin, read, runEvent, until, write } from "./k8s_resource.ts";

interface Live {
  readonly metadata: { readonly uid: string };
}

Deno.test("the FlowSchema of deploy/rights gives the agent a share of its own", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using admin = await openPlugin({ kubeconfig: kube.kubeconfig });
  const name = `agent-${namespace.name}`;
  const file = new URL(
    "../../deploy/rights/flow-schema.yaml",
    import.meta.url,
  );
  // Under another name, and for the ServiceAccount of this test.
  const text = (await Deno.readTextFile(file))
    .replaceAll(/namespace: transporter$/gm, `namespace: ${namespace.name}`)
    .replaceAll(/^( *(?:- )?name: )transporter-agent$/gm, `$1${name}`);
  const account =
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ${name}, namespace: ${namespace.name}}\n`;
  const run = await runEvent(admin, [text, account]);
  strictEqual(run.last.state, "completed", run.last.message);
  const schemas = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
  const { metadata: { uid } } = await read<Live>(kube, `${schemas}/${name}`);
  const token = await kube.fetch(
    `/api/v1/namespaces/${namespace.name}/serviceaccounts/${name}/token`,
    {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ spec: {} }),
    },
  );
  const { status } = await token.json();
  using client = Deno.createHttpClient({ caCerts: [kube.address.caPem] });
  const schemaOf = async (bearer: string) => {
    const answer = await fetch(`${kube.address.server}/version`, {
      headers: { authorization: `Bearer ${bearer}` },
      client,
    });
    await answer.body?.cancel();
    return answer.headers.get("x-kubernetes-pf-flowschema-uid");
  };
  // The server takes a moment to follow.
  await until(async () => await schemaOf(status.token) === uid);
  const admins = await schemaOf(kube.address.adminToken);
  strictEqual(admins === uid, false, "others have theirs");
  for (
    const path of [
      schemas,
      schemas.replace(/flowschemas$/, "prioritylevelconfigurations"),
    ]
  ) {
    await write(kube, `${path}/${name}`, { method: "DELETE" });
  }
});
