import { TransporterError } from "@transporter/sdk";
import type { Runtime } from "./runtime.ts";

/** Which cluster a person asks for. */
export interface ClusterChoice {
  /** A kubeconfig file. */
  readonly kubeconfig: string | undefined;
  /** A context of it, or of the file that kubectl would use. */
  readonly kubeContext: string | undefined;
}

/** A cluster to work in; dispose it to end what was started for it. */
export interface Cluster extends AsyncDisposable {
  /** The kubeconfig to reach it with. */
  readonly kubeconfig: string;
  /** The context of it; the current one unless given. */
  readonly context: string | undefined;
  /** What it is, for people. */
  readonly description: string;
}

/** The kubeconfig that kubectl would use. @see {@link https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/} */
export function defaultKubeconfig(
  env: Readonly<Record<string, string>>,
): string {
  return env["KUBECONFIG"] || `${env["HOME"] ?? ""}/.kube/config`;
}

/**
 * Chooses a cluster: the one that is named, else binaries in
 * `KUBEBUILDER_ASSETS`, else an API server built from Go modules. The current
 * kubectl context is never touched unless it is named.
 *
 * @throws {TransporterError} `no_cluster` with none of them.
 */
export async function chooseCluster(
  choice: ClusterChoice,
  { env, signal }: Runtime,
): Promise<Cluster> {
  const { kubeconfig, kubeContext } = choice;
  if (kubeconfig !== undefined || kubeContext !== undefined) {
    const file = kubeconfig ?? defaultKubeconfig(env);
    return {
      kubeconfig: file,
      context: kubeContext,
      description: kubeContext === undefined
        ? `the current context of ${file}`
        : `context ${kubeContext} of ${file}`,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  // Loaded only here: it brings a library for certificates that nobody else needs.
  const { startLocalKube, userCacheDir } = await import(
    "../deploy/localkube/mod.ts"
  );
  const assets = env["KUBEBUILDER_ASSETS"];
  const kube = await startLocalKube({
    cacheDir: userCacheDir((name) => env[name]),
    signal,
    ...(assets ? { assets } : {}),
  });
  try {
    const answer = await kube.fetch("/version");
    const { gitVersion }: { gitVersion: string } = await answer.json();
    const parts = kube.address.controllerManager
      ? "etcd, API server, controller manager"
      : "etcd, API server";
    return {
      kubeconfig: kube.kubeconfig,
      context: undefined,
      description:
        `a Kubernetes ${gitVersion} of its own (${parts}) at ${kube.address.server}`,
      [Symbol.asyncDispose]: () => kube[Symbol.asyncDispose](),
    };
  } catch (error) {
    await kube[Symbol.asyncDispose]();
    throw TransporterError.from(error);
  }
}
