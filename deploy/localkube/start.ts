/**
 * Starts the components, in the order in which they need each other.
 *
 * @module
 */

import { join } from "node:path";
import { type BuildOptions, exists, findOrBuild } from "./build.ts";
import {
  apiServerFlags,
  controllerManagerFlags,
  ETCD_FLAGS,
  ETCD_SOCKET,
  KUBECONFIG,
  writeFiles,
} from "./files.ts";
import { LocalKube, type LocalKubeAddress } from "./local_kube.ts";
import { makePki } from "./pki.ts";
import { Processes } from "./processes.ts";

/** Options of {@linkcode startLocalKube}. */
export interface LocalKubeOptions extends BuildOptions {
  /**
   * A folder with `kube-apiserver` and `etcd`, as `setup-envtest` leaves one;
   * no controller manager runs then. Unless given, the program is found in, or
   * built into, `cacheDir`.
   */
  readonly assets?: string;
}

/** How often another port is tried when somebody took the one that was free a moment ago. */
const PORT_TRIES = 5;

/**
 * Starts an API server with a store and a certificate authority of its own, on
 * a free port of 127.0.0.1, and waits until it can be used. May be called any
 * number of times, also at once; each call gives another server.
 *
 * @throws {TransporterError} `no_cluster` if there is no program and no Go to
 * build it, or if a component does not start.
 */
export async function startLocalKube(
  options: LocalKubeOptions,
): Promise<LocalKube> {
  const { assets, signal } = options;
  const program = assets === undefined
    ? [await findOrBuild(options)]
    : undefined;
  const processes = await Processes.open();
  try {
    const address = await startComponents(processes, {
      commandOf: (name) =>
        program === undefined ? [join(assets ?? "", name)] : [...program, name],
      controllerManager: program !== undefined,
      signal,
    });
    return new LocalKube(address, processes.dir, () => processes.stop());
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

interface ComponentOptions {
  readonly commandOf: (name: string) => readonly string[];
  readonly controllerManager: boolean;
  readonly signal: AbortSignal | undefined;
}

async function startComponents(
  processes: Processes,
  options: ComponentOptions,
): Promise<LocalKubeAddress> {
  const { commandOf, controllerManager, signal } = options;
  await processes.start("etcd", [...commandOf("etcd"), ...ETCD_FLAGS]);
  const pki = await makePki();
  using client = Deno.createHttpClient({ caCerts: [pki.ca.certPem] });

  /** Whether a path of the API server answers 200. */
  async function answers(server: string, path: string): Promise<boolean> {
    try {
      const response = await fetch(`${server}${path}`, {
        client,
        headers: { authorization: `Bearer ${pki.adminToken}` },
      });
      await response.body?.cancel();
      return response.ok;
    } catch (error) {
      if (error instanceof TypeError) return false; // nobody listens yet
      throw error;
    }
  }

  await processes.until(() => exists(join(processes.dir, ETCD_SOCKET)), signal);

  let server = "";
  for (let tries = 1;; tries++) {
    const port = freePort();
    server = `https://127.0.0.1:${port}`;
    await writeFiles(processes.dir, { pki, server });
    const apiServer = await processes.start("kube-apiserver", [
      ...commandOf("kube-apiserver"),
      ...apiServerFlags(port),
    ]);
    try {
      await processes.until(() => answers(server, "/readyz"), signal);
      break;
    } catch (error) {
      const log = await processes.log("kube-apiserver");
      if (tries === PORT_TRIES || !log.includes("address already in use")) {
        throw error;
      }
      await processes.end(apiServer);
    }
  }

  if (controllerManager) {
    await processes.start("kube-controller-manager", [
      ...commandOf("kube-controller-manager"),
      ...controllerManagerFlags(),
    ]);
    const path = "/api/v1/namespaces/default/serviceaccounts/default";
    await processes.until(() => answers(server, path), signal);
  }
  return {
    server,
    kubeconfig: join(processes.dir, KUBECONFIG),
    caPem: pki.ca.certPem,
    adminToken: pki.adminToken,
    adminCertPem: pki.admin.certPem,
    adminKeyPem: pki.admin.keyPem,
    controllerManager,
    logDir: processes.dir,
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
