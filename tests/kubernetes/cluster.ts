/**
 * The API server that tests run against, and a place in it for each of them.
 *
 * @module
 */

import {
  LocalKube,
  type LocalKubeAddress,
  startLocalKube,
  userCacheDir,
} from "../../deploy/localkube/mod.ts";

/**
 * The variable with the path of a JSON file that describes a running API
 * server: what `JSON.stringify` makes of a {@linkcode LocalKube}. Whoever runs
 * many test files sets it, so that they share one.
 */
export const SHARED_VARIABLE = "TRANSPORTER_TEST_LOCALKUBE";

/** Whether the API server of tests has a controller manager: not where it is that of `KUBEBUILDER_ASSETS`. */
function hasControllers(): boolean {
  const shared = Deno.env.get(SHARED_VARIABLE);
  if (!shared) return !Deno.env.get("KUBEBUILDER_ASSETS");
  const address: LocalKubeAddress = JSON.parse(Deno.readTextFileSync(shared));
  return address.controllerManager;
}

/** Ignores a test where nobody makes Pods of a Deployment or a Job, counts for a quota, or empties a namespace. */
export const CONTROLLERS = { ignore: !hasControllers() } as const;

/** A namespace of one test. */
export interface FreshNamespace extends AsyncDisposable {
  /** Its name, which no other test has. */
  readonly name: string;
}

/**
 * Gives an API server to a test: the shared one where there is one, which goes
 * on when the test is done with it, else one of its own, which ends then.
 */
export async function testCluster(): Promise<LocalKube> {
  const shared = Deno.env.get(SHARED_VARIABLE);
  if (shared) {
    const address = JSON.parse(await Deno.readTextFile(shared));
    return await LocalKube.attach(address as LocalKubeAddress);
  }
  return await ownCluster();
}

/** Starts an API server for one test: another cluster than that of any other one. */
export async function ownCluster(): Promise<LocalKube> {
  const assets = Deno.env.get("KUBEBUILDER_ASSETS");
  return await startLocalKube({
    cacheDir: userCacheDir((name) => Deno.env.get(name)),
    ...(assets ? { assets } : {}),
  });
}

/**
 * Creates a namespace with its default ServiceAccount, as far as a controller
 * manager makes one. When disposed it is deleted, and the test does not wait
 * until it is gone.
 */
export async function freshNamespace(kube: LocalKube): Promise<FreshNamespace> {
  const name = `test-${crypto.randomUUID().slice(0, 13)}`;
  await expectOk(
    await kube.fetch("/api/v1/namespaces", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name },
      }),
    }),
  );
  const path = `/api/v1/namespaces/${name}`;
  while (kube.address.controllerManager) {
    const response = await kube.fetch(`${path}/serviceaccounts/default`);
    await response.body?.cancel();
    if (response.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    name,
    async [Symbol.asyncDispose]() {
      await expectOk(await kube.fetch(path, { method: "DELETE" }));
    },
  };
}

/** Reads an answer to its end, and throws what it says unless it is a success. */
async function expectOk(response: Response): Promise<void> {
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`The API server answered ${response.status}: ${text}`);
  }
}
