import { testExecutor } from "@transporter/sdk/testing";
import { kinds } from "@transporter/plugins";
import { configMap, openPlugin } from "./k8s_resource.ts";
import { testCluster } from "./cluster.ts";

let count = 0;

testExecutor("k8s_resource", {
  async open() {
    const kube = await testCluster();
    const executor = await openPlugin({ kubeconfig: kube.kubeconfig });
    return {
      ...executor,
      async [Symbol.asyncDispose]() {
        await executor[Symbol.asyncDispose]();
        await kube.stop();
      },
    };
  },
  kind: kinds.find(({ type }) => type === "k8s_resource")!,
  payload: () => ({
    manifests: [
      configMap("default", `suite-${crypto.randomUUID()}`, `n: "${count++}"`),
    ],
  }),
  badPayloads: {
    "no manifests": { manifests: [] },
    "an unknown key": { manifests: [configMap("default", "a")], prune: true },
    "broken YAML": { manifests: ["a: ["] },
    "an alias bomb": {
      manifests: [
        `a: &a [1]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]\n`,
      ],
    },
    "an object without a name": {
      manifests: ["apiVersion: v1\nkind: ConfigMap\n"],
    },
    "a script": { manifests: [configMap("default", "a")], script: "true" },
  },
});
