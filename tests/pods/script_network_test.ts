/**
 * What keeps Pods of scripts from the network, in a cluster with nodes: tried
 * as far as that cluster keeps to NetworkPolicies, which another Pod of the
 * test's own finds out.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { Bench } from "../../plugins/script/testing/bench.ts";
import { ROOT } from "../files.ts";
import { until } from "../system.ts";
import { askCluster, busybox, KUBECONFIG } from "./cluster.ts";

const IMAGE = await busybox() ?? "";

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly phase: string; readonly podIP?: string };
}

/** A namespace as deploy/script/jobs.yaml has it, and another tenant beside it. */
async function place() {
  const id = crypto.randomUUID().slice(0, 13);
  const [name, other] = [`run-${id}`, `other-${id}`];
  const text = await Deno.readTextFile(`${ROOT}deploy/script/jobs.yaml`);
  const [namespace, policy] = parseAllDocuments(text)
    .map((document) => document.toJS());
  const post = (path: string, body: unknown) =>
    askCluster<Pod>(KUBECONFIG, path, "POST", body);
  await post("/api/v1/namespaces", {
    ...namespace,
    metadata: { ...namespace.metadata, name },
  });
  await post("/api/v1/namespaces", { metadata: { name: other } });
  await post(`/apis/networking.k8s.io/v1/namespaces/${name}/networkpolicies`, {
    ...policy,
    metadata: { name: policy.metadata.name },
  });
  const serves = {
    metadata: { name: "serves" },
    spec: {
      containers: [{
        name: "main",
        image: IMAGE,
        imagePullPolicy: "Never",
        command: ["sh", "-c", "while :; do echo tenant | nc -l -p 8080; done"],
      }],
    },
  };
  await post(`/api/v1/namespaces/${other}/pods`, serves);
  const { status: { podIP = "" } } = await until(async () => {
    const pod = await askCluster<Pod>(
      KUBECONFIG,
      `/api/v1/namespaces/${other}/pods/serves`,
    );
    return pod.status?.phase === "Running" ? pod : undefined;
  });
  return {
    name,
    tenant: podIP,
    async [Symbol.asyncDispose]() {
      for (const each of [name, other]) {
        await askCluster(KUBECONFIG, `/api/v1/namespaces/${each}`, "DELETE");
      }
    },
  };
}

function open(namespace: string, networkPolicy: string): Promise<Bench> {
  return Bench.open({
    runners: ["job"],
    interpreters: ["sh=/bin/sh"],
    user: "47533",
    job: {
      cluster: { kubeconfig: KUBECONFIG },
      namespace,
      network_policy: networkPolicy,
      images: [IMAGE],
    },
  });
}

/** Whether a Pod in the namespace gets at another one, seconds after it began: apart from what is tested. */
async function isHeld(namespace: string, tenant: string): Promise<boolean> {
  await using bench = await open(namespace, "ignore");
  const { stdout } = await bench.run(
    `sleep 8; nc -w 2 ${tenant} 8080 </dev/null || echo shut`,
  );
  return !stdout.includes("tenant");
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name} (pods)`, ignore: IMAGE === "", fn });
}

test("a script whose Pod nothing keeps from the network is marked or refused, as configured; one that is kept from it gets nowhere", async () => {
  await using namespace = await place();
  const { name, tenant } = namespace;
  const held = await isHeld(name, tenant);
  // Cloud metadata and what is like it answer nobody in a test; what answers is the tenant, the API server and the node.
  const script =
    `try() { nc -w 2 "$2" "$3" </dev/null >/dev/null 2>&1 && echo "$1"; }
try tenant ${tenant} 8080
try "API server" 10.0.0.1 443
try DNS "$(sed -n 's/^nameserver //p' /etc/resolv.conf)" 53
nslookup -timeout=2 kubernetes.default >/dev/null 2>&1 && echo "DNS by datagram"
try metadata 169.254.169.254 80
echo over`;

  await using marking = await open(name, "mark");
  const marked = await marking.run(script);
  strictEqual(marked.last.state, "completed", marked.last.message);
  const warnings = marked.last.result?.["warnings"];
  await using strict = await open(name, "require");
  const required = await strict.run({ script, args: ["again"] });
  if (held) {
    strictEqual(marked.stdout, "over\n");
    strictEqual(warnings, undefined);
    deepStrictEqual([required.last.state, required.stdout], [
      "completed",
      "over\n",
    ]);
    return;
  }
  match(marked.stdout, /^tenant\nAPI server\n/);
  match(
    String(warnings),
    /^The Pods of scripts are not kept from the network: one in ".*" reached the API server/,
  );
  deepStrictEqual([required.last.error?.code, required.stdout], ["denied", ""]);
  match(
    required.last.message,
    /--script-network-policy require.*reached the API server/,
  );
});
