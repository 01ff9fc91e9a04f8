/**
 * Lets agents in pods reach a control plane in `--dev`, which takes connections
 * to its own machine only.
 *
 * @module
 */

import { parse } from "yaml";

/** Passes connections from pods on to a control plane, which listens on this machine alone. */
export function relayTo(url: string): Deno.TcpListener {
  const { port } = new URL(url);
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  (async () => {
    for await (const near of listener) {
      const far = await Deno.connect({
        hostname: "127.0.0.1",
        port: Number(port),
      });
      near.readable.pipeTo(far.writable).catch(() => {});
      far.readable.pipeTo(near.writable).catch(() => {});
    }
  })().catch(() => {});
  return listener;
}

/** Passes connections within a pod on to where its arguments say. */
export const RELAY = `
  const [hostname, port] = Deno.args;
  for await (const near of Deno.listen({ port: 8080 })) {
    Deno.connect({ hostname, port: Number(port) }).then((far) => {
      near.readable.pipeTo(far.writable).catch(() => {});
      far.readable.pipeTo(near.writable).catch(() => {});
    }, () => near.close());
  }
`;

/** The address at which pods reach this machine: the one from which it reaches their cluster. */
export async function addressOf(kubeconfig: string): Promise<string> {
  const { clusters } = parse(await Deno.readTextFile(kubeconfig));
  const { hostname, port } = new URL(clusters[0].cluster.server);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  return connection.localAddr.hostname;
}
