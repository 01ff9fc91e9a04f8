import { FaultProxy } from "../fault_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { openPlugin, proxied } from "./k8s_resource.ts";

/** A namespace, and an executor whose requests go through a proxy; `rest` is configuration of the plugin. */
export async function executorBehindProxy(
  rest: Readonly<Record<string, unknown>> = {},
) {
  await using stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: namespace } = stack.use(await freshNamespace(kube));
  const proxy = stack.use(
    await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
  );
  const { config } = stack.use(await proxied(proxy, kube, rest));
  const executor = stack.use(await openPlugin(config));
  const all = stack.move();
  return {
    kube,
    namespace,
    proxy,
    executor,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
