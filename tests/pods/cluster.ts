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
  return JSON.parse(await askForText(kubeconfig, path, { method, body }));
}

/** Every state of an object of a list that came after a version, up to a second from now. */
export async function statesSince<Item>(
  kubeconfig: string,
  list: string,
  { name, version }: { readonly name: string; readonly version: string },
): Promise<readonly Item[]> {
  const path = `${list}?watch=true&timeoutSeconds=1` +
    `&fieldSelector=metadata.name%3D${name}&resourceVersion=${version}`;
  const text = await askForText(kubeconfig, path);
  return text.trim().split("\n").filter(Boolean)
    .map((line) => JSON.parse(line).object);
}

async function askForText(
  kubeconfig: string,
  path: string,
  { method = "GET", body }: {
    readonly method?: string;
    readonly body?: unknown;
  } = {},
): Promise<string> {
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
  return await answer.text();
}

/** The kubeconfig of a cluster with a kubelet. */
export const KUBECONFIG = Deno.env.get("TRANSPORTER_TEST_KUBECONFIG") ?? "";

/** The names of the images that the first node has, as none is pulled. */
export async function imagesOf(kubeconfig: string): Promise<string[]> {
  const { items } = await askCluster<
    { items: { status: { images: { names: string[] | null }[] } }[] }
  >(kubeconfig, "/api/v1/nodes");
  return (items[0]?.status.images.flatMap(({ names }) => names ?? []) ?? [])
    .filter((name) => !name.includes("@"));
}

/** One of them that has a shell; `undefined` when there is none. */
export async function busybox(): Promise<string | undefined> {
  if (KUBECONFIG === "") return undefined;
  return (await imagesOf(KUBECONFIG)).find((name) => name.includes("busybox"));
}

/** A namespace of its own, where only what is locked down may run. */
export async function lockedNamespace() {
  const name = `test-${crypto.randomUUID().slice(0, 13)}`;
  await askCluster(KUBECONFIG, "/api/v1/namespaces", "POST", {
    metadata: {
      name,
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
    },
  });
  return {
    name,
    async [Symbol.asyncDispose]() {
      await askCluster(KUBECONFIG, `/api/v1/namespaces/${name}`, "DELETE");
    },
  };
}
