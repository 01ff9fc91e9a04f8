/**
 * Asks the cluster with a kubelet, as the user of its kubeconfig and apart from
 * what is tested.
 *
 * @module
 */

import { parse } from "yaml";

/** Sends one request, and reads the answer as JSON. */
export async function askCluster<Body>(
  kubeconfig: string,
  path: string,
  method: string = "GET",
  body: unknown = undefined,
): Promise<Body> {
  const { clusters, users } = parse(await Deno.readTextFile(kubeconfig));
  const { server, ...cluster } = clusters[0].cluster;
  const { user } = users[0];
  using client = Deno.createHttpClient({
    caCerts: [atob(cluster["certificate-authority-data"])],
    cert: atob(user["client-certificate-data"]),
    key: atob(user["client-key-data"]),
  });
  const answer = await fetch(server + path, {
    method,
    client,
    ...(body === undefined ? {} : {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  return await answer.json();
}
