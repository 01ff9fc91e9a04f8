import { type Clock, TransporterError } from "@transporter/sdk";
import { type AccessSource, rereadAccess } from "./access.ts";

/** Where a Pod finds its ServiceAccount. @see {@link https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/} */
export const SERVICE_ACCOUNT_DIR =
  "/var/run/secrets/kubernetes.io/serviceaccount";

/** Options of {@linkcode inClusterAccess}. */
export interface InClusterOptions {
  /** The folder with `token` and `ca.crt`. */
  readonly dir: string;
  /** The host of the API server: `KUBERNETES_SERVICE_HOST`. */
  readonly host: string;
  /** Its port: `KUBERNETES_SERVICE_PORT`. */
  readonly port: number;
  /** Where time comes from. */
  readonly clock: Clock;
}

async function readFile(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    throw new TransporterError(
      "no_cluster",
      `Cannot read "${path}": run the agent in a Pod with a ServiceAccount token, or name a kubeconfig`,
      { cause },
    );
  }
}

/**
 * The access that a Pod has: token and certificate authority out of files that
 * a kubelet replaces.
 *
 * @param options Where the files and the API server are.
 */
export function inClusterAccess(options: InClusterOptions): AccessSource {
  const { dir, host, port, clock } = options;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const hostInUrl = bare.includes(":") ? `[${bare}]` : bare;
  return rereadAccess(async () => {
    // One after the other, so that no read goes on when one has failed.
    const token = await readFile(`${dir}/token`);
    const ca = await readFile(`${dir}/ca.crt`);
    return {
      server: `https://${hostInUrl}:${port}`,
      token,
      connection: { ca },
    };
  }, clock);
}

/**
 * Adds a host to a `NO_PROXY` list. The runtime takes proxies from the
 * environment and has no other way to go without one, so the program that
 * starts an agent in a cluster sets this before it opens the plugin.
 *
 * @param noProxy What `NO_PROXY` is now.
 * @param host The host of the API server: `KUBERNETES_SERVICE_HOST`.
 * @returns What `NO_PROXY` has to be.
 */
export function addNoProxy(noProxy: string | undefined, host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const hosts = (noProxy ?? "").split(",").map((each) => each.trim()).filter((
    each,
  ) => each !== "");
  return (hosts.includes(bare) ? hosts : [...hosts, bare]).join(",");
}
