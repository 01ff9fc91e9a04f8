/**
 * What the components are told: their flags, and the files they share.
 *
 * @module
 */

import { join } from "node:path";
import type { Pki } from "./pki.ts";

/** The socket of etcd, in the folder of the run: no port, and nobody else may open it. */
export const ETCD_SOCKET = "etcd.sock";

/** The administrator's kubeconfig, in the folder of the run. */
export const KUBECONFIG = "kubeconfig";

/** Nothing of a run is kept, so nothing waits for the disk. */
export const ETCD_FLAGS: readonly string[] = [
  "--data-dir=etcd",
  `--listen-client-urls=unix://${ETCD_SOCKET}`,
  "--listen-peer-urls=unix://etcd-peer.sock",
  // Only names: a single member is not dialled, but etcd insists on a port.
  "--advertise-client-urls=http://127.0.0.1:2379",
  "--initial-advertise-peer-urls=http://127.0.0.1:2380",
  "--initial-cluster=default=http://127.0.0.1:2380",
  "--unsafe-no-fsync",
  "--log-level=warn",
];

/** The flags of an API server on a port of 127.0.0.1. */
export function apiServerFlags(port: number): readonly string[] {
  return [
    `--etcd-servers=unix://${ETCD_SOCKET}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    "--advertise-address=127.0.0.1",
    // A loopback address is no valid endpoint of the Service "kubernetes", and no Pod asks for it.
    "--endpoint-reconciler-type=none",
    "--tls-cert-file=server.crt",
    "--tls-private-key-file=server.key",
    "--client-ca-file=ca.crt",
    "--token-auth-file=tokens.csv",
    "--authorization-mode=RBAC",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=service-account.pub",
    "--service-account-signing-key-file=service-account.key",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--allow-privileged",
    "--profiling=false",
  ];
}

/** The flags of the controller manager, which is the administrator and serves nothing itself. */
export function controllerManagerFlags(): readonly string[] {
  return [
    `--kubeconfig=${KUBECONFIG}`,
    "--service-account-private-key-file=service-account.key",
    "--root-ca-file=ca.crt",
    "--cluster-signing-cert-file=ca.crt",
    "--cluster-signing-key-file=ca.key",
    "--leader-elect=false",
    "--secure-port=0",
    // The default of 20 requests a second is meant for clusters that share an API server.
    "--kube-api-qps=200",
    "--kube-api-burst=400",
    "--profiling=false",
  ];
}

/** Writes what the flags name into the folder of the run, readable by this user only. */
export async function writeFiles(
  dir: string,
  options: { readonly pki: Pki; readonly server: string },
): Promise<void> {
  const { pki, server } = options;
  const files: Readonly<Record<string, string>> = {
    "ca.crt": pki.ca.certPem,
    "ca.key": pki.ca.keyPem,
    "server.crt": pki.server.certPem,
    "server.key": pki.server.keyPem,
    "service-account.key": pki.tokenKeyPem,
    "service-account.pub": pki.tokenPublicKeyPem,
    "tokens.csv": `${pki.adminToken},admin,admin,"system:masters"\n`,
    [KUBECONFIG]: kubeconfig(pki, server),
  };
  await Promise.all(
    Object.entries(files).map(([name, text]) =>
      Deno.writeTextFile(join(dir, name), text, { mode: 0o600 })
    ),
  );
}

/** A kubeconfig in JSON, which is YAML: a context for each of the two ways to prove who one is. */
function kubeconfig(pki: Pki, server: string): string {
  return JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "localkube",
      clusters: [{
        name: "localkube",
        cluster: {
          server,
          "certificate-authority-data": base64(pki.ca.certPem),
        },
      }],
      users: [
        { name: "token", user: { token: pki.adminToken } },
        {
          name: "certificate",
          user: {
            "client-certificate-data": base64(pki.admin.certPem),
            "client-key-data": base64(pki.admin.keyPem),
          },
        },
      ],
      contexts: [
        {
          name: "localkube",
          context: { cluster: "localkube", user: "token" },
        },
        {
          name: "localkube-certificate",
          context: { cluster: "localkube", user: "certificate" },
        },
      ],
    },
    undefined,
    2,
  );
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
