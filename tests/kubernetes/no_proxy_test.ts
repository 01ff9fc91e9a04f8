/** An agent in a cluster goes around the proxy of its environment to the API server. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { FaultProxy } from "../fault_proxy.ts";
import { ForwardProxy } from "../forward_proxy.ts";
import { envOf } from "../ingress.ts";
import {
  AgentProcess,
  CpProcess,
  submit,
  untilConnected,
  untilEnded,
} from "../system.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { configMap } from "./k8s_resource.ts";

/** Where the API server is: not where the program goes without a proxy in any case. */
const HOST = "127.0.0.2";

interface Case {
  readonly name: string;
  /** Whether the agent has a kubeconfig, and not only its ServiceAccount. */
  readonly named: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Whether the proxy is asked for the API server. */
  readonly asked: boolean;
}

const CASES: readonly Case[] = [
  {
    name:
      "an agent in a cluster does not ask the proxy in HTTPS_PROXY for the service address",
    named: false,
    env: { no_proxy: "a.example", KUBERNETES_SERVICE_HOST: HOST },
    asked: false,
  },
  {
    name:
      "an agent in a cluster goes around the proxy to what is in no_proxy, too",
    named: true,
    env: { no_proxy: `a.example,${HOST}`, KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    asked: false,
  },
  {
    name:
      "an agent in a cluster asks a proxy for the server of a kubeconfig that is somewhere else",
    named: true,
    env: { no_proxy: "a.example", KUBERNETES_SERVICE_HOST: "10.0.0.1" },
    asked: true,
  },
];

for (const { name, named, env, asked } of CASES) {
  Deno.test(name, async () => {
    await using stack = new AsyncDisposableStack();
    const kube = stack.use(await testCluster());
    const { name: namespace } = stack.use(await freshNamespace(kube));
    const server = stack.use(
      await FaultProxy.open({
        server: kube.server,
        caPem: kube.address.caPem,
      }, HOST),
    );
    const { port } = server.server;
    const dir = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    await Deno.copyFile(
      join(await kube.serviceAccountDir(namespace), "token"),
      join(dir, "token"),
    );
    await Deno.writeTextFile(join(dir, "ca.crt"), server.caPem);
    const kubeconfig = join(dir, "kubeconfig");
    await Deno.writeTextFile(
      kubeconfig,
      `current-context: one
contexts: [{name: one, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://${HOST}:${port}", certificate-authority: ca.crt}}]
users: [{name: u, user: {tokenFile: token}}]
`,
    );
    const cp = stack.use(await CpProcess.start());
    const proxy = stack.use(await ForwardProxy.open());
    stack.use(
      await AgentProcess.start("edge", {
        cpUrl: cp.agentUrl,
        flags: named
          ? ["--kubeconfig", kubeconfig]
          : ["--in-cluster", "--service-account-dir", dir],
        env: envOf({
          HTTPS_PROXY: proxy.url(),
          KUBERNETES_SERVICE_PORT: port,
          ...env,
        }),
      }),
    );
    await untilConnected(cp.url, "edge");
    await submit(cp.url, {
      id: "e1",
      type: "k8s_resource",
      target_agent: "edge",
      payload: { manifests: [configMap(namespace, "a")] },
    });
    const [event] = await untilEnded(cp.url);
    strictEqual(event?.state, "completed", JSON.stringify(event));
    deepStrictEqual(
      [...new Set(proxy.asked)],
      asked ? [`CONNECT ${HOST}:${port}`] : [],
    );
  });
}
