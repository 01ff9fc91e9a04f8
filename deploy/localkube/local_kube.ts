/**
 * A running API server, as its users see it.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";
import { join } from "node:path";
import { Processes, tail } from "./processes.ts";

/** All that another process needs to use a running API server; survives JSON, and is as secret as its token. */
export interface LocalKubeAddress {
  /** Where it listens, such as `https://127.0.0.1:40123`. */
  readonly server: string;
  /** A kubeconfig file: context `localkube` has a bearer token, `localkube-certificate` a client certificate. */
  readonly kubeconfig: string;
  /** The certificate authority of the server, PEM. */
  readonly caPem: string;
  /** A bearer token that may do everything. */
  readonly adminToken: string;
  /** A client certificate that may do everything, PEM. */
  readonly adminCertPem: string;
  /** Its private key, PKCS #8 in PEM. */
  readonly adminKeyPem: string;
  /** Whether a controller manager runs. Without one a namespace stays `Terminating`, and a Deployment has no Pods. */
  readonly controllerManager: boolean;
  /** The folder with `etcd.log`, `kube-apiserver.log` and `kube-controller-manager.log`. */
  readonly logDir: string;
}

/** Options of {@linkcode LocalKube.serviceAccountDir}. */
export interface ServiceAccountOptions {
  /** The ServiceAccount's name; `"transporter-agent"` unless given. It is created where it is missing. */
  readonly name?: string;
  /** The ClusterRole it is bound to in every namespace; `"cluster-admin"` unless given. */
  readonly clusterRole?: string;
}

/** The request for a ServiceAccount's token lives as long as one that a kubelet makes, in seconds. */
const TOKEN_SECONDS = 3607;

/**
 * A Kubernetes API server on this machine. Made by `startLocalKube()`, which
 * owns the processes, or by {@linkcode LocalKube.attach}, which does not.
 */
export class LocalKube implements AsyncDisposable {
  /** Where it listens, and who may do everything there. */
  readonly address: LocalKubeAddress;
  /** Where ServiceAccount folders are laid. */
  readonly #dir: string;
  readonly #release: () => Promise<void>;
  readonly #client: Deno.HttpClient;
  #stopped: Promise<void> | undefined;

  /** For the modules of this folder: `release` ends what is behind the address, and removes `dir`. */
  constructor(
    address: LocalKubeAddress,
    dir: string,
    release: () => Promise<void>,
  ) {
    this.address = address;
    this.#dir = dir;
    this.#release = release;
    this.#client = Deno.createHttpClient({ caCerts: [address.caPem] });
  }

  /** Uses an API server that somebody else started, and leaves it running. */
  static async attach(address: LocalKubeAddress): Promise<LocalKube> {
    const processes = await Processes.open();
    return new LocalKube(address, processes.dir, () => processes.stop());
  }

  /** The path of a kubeconfig file, see {@linkcode LocalKubeAddress.kubeconfig}. */
  get kubeconfig(): string {
    return this.address.kubeconfig;
  }

  /** Where it listens. */
  get server(): URL {
    return new URL(this.address.server);
  }

  /** Sends one request as the administrator; `path` begins with a slash. The caller reads the body, or cancels it. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${this.address.adminToken}`);
    return fetch(new URL(path, this.address.server), {
      ...init,
      headers,
      client: this.#client,
    });
  }

  /**
   * Lays a folder as a Pod finds it at
   * `/var/run/secrets/kubernetes.io/serviceaccount`: `token`, `ca.crt` and
   * `namespace`, for a ServiceAccount that may do what a ClusterRole says.
   * Called again it puts a new token into the same folder, as a kubelet does.
   *
   * @param namespace An existing namespace.
   * @returns The path of the folder, which goes when this is stopped.
   * @throws {TransporterError} `internal` if the API server refuses.
   */
  async serviceAccountDir(
    namespace: string,
    options: ServiceAccountOptions = {},
  ): Promise<string> {
    const { name = "transporter-agent", clusterRole = "cluster-admin" } =
      options;
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.#create(accounts, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name },
    });
    await this.#create(
      "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: `${namespace}:${name}:${clusterRole}` },
        subjects: [{ kind: "ServiceAccount", name, namespace }],
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "ClusterRole",
          name: clusterRole,
        },
      },
    );
    const answer = await this.#create(`${accounts}/${name}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: TOKEN_SECONDS },
    }) as { readonly status: { readonly token: string } };

    const dir = join(this.#dir, "serviceaccounts", `${namespace}.${name}`);
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    await writeSecret(join(dir, "ca.crt"), this.address.caPem);
    await writeSecret(join(dir, "namespace"), namespace);
    await writeSecret(join(dir, "token"), answer.status.token);
    return dir;
  }

  /**
   * The last lines that a component logged, oldest first; empty when it logged
   * nothing, or is not there.
   */
  logs(
    component: "etcd" | "kube-apiserver" | "kube-controller-manager",
    lines = 50,
  ): Promise<string> {
    return tail(join(this.address.logDir, `${component}.log`), lines);
  }

  /** Ends what was started for this, and removes its folder. Idempotent. */
  stop(): Promise<void> {
    if (this.#stopped === undefined) {
      this.#client.close();
      this.#stopped = this.#release();
    }
    return this.#stopped;
  }

  /** The same as {@linkcode LocalKube.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What {@linkcode LocalKube.attach} takes, so that `JSON.stringify` hands this to another process. */
  toJSON(): LocalKubeAddress {
    return this.address;
  }

  /** Creates an object, or leaves the one of that name as it is. */
  async #create(path: string, object: unknown): Promise<unknown> {
    const response = await this.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(object),
    });
    const answer = await response.text();
    if (response.ok || response.status === 409) return JSON.parse(answer);
    throw new TransporterError(
      "internal",
      `Cannot create an object at "${path}" as the API server answered ${response.status}: ${answer}`,
    );
  }
}

/** Writes beside the place and renames, so that nobody reads half of it. */
async function writeSecret(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}
