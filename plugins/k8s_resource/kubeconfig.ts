import { isAbsolute, join } from "node:path";
import { type Clock, TransporterError } from "@transporter/sdk";
import { type Access, type AccessSource, rereadAccess } from "./access.ts";
import {
  type ExecCluster,
  type ExecCommand,
  type ExecCredential,
  execCredential,
} from "./exec_credential.ts";
import {
  type Entry,
  entryOf,
  mergeKubeconfigs,
  textAt,
  wrong,
} from "./kubeconfig_merge.ts";
import { isMapping, type Value } from "./yaml_value.ts";

/** A kubeconfig that was read. */
export interface Kubeconfig {
  /** How to reach and convince the API server. */
  readonly access: AccessSource;
  /** The namespace of the context. */
  readonly namespace: string | undefined;
}

/** Options of {@linkcode readKubeconfig}. */
export interface KubeconfigOptions {
  /** Files, joined by `:` (`;` on Windows); the first one that says something wins. */
  readonly paths: string;
  /** The context; by default the current one. */
  readonly context?: string | undefined;
  /** Where time comes from. */
  readonly clock: Clock;
}

function unsupported(entry: Entry, key: string, why: string): TransporterError {
  return new TransporterError(
    "unsupported",
    `Cannot use "${entry.name}" of the kubeconfig as it has "${key}": ${why}`,
  );
}

function execOf(user: Entry, cluster: Entry): ExecCommand | undefined {
  const exec = user.value.exec;
  if (!isMapping(exec)) return undefined;
  const command = textAt(exec, "command");
  if (command === undefined) {
    throw wrong(
      `Cannot run the credential plugin of "${user.name}": it has no "command"`,
    );
  }
  if (exec.interactiveMode === "Always") {
    throw unsupported(
      user,
      "interactiveMode: Always",
      "nobody is there to answer",
    );
  }
  const env = Array.isArray(exec.env) ? exec.env.filter(isMapping) : [];
  return {
    apiVersion: textAt(exec, "apiVersion") ?? "client.authentication.k8s.io/v1",
    command: /[/\\]/.test(command) ? join(user.dir, command) : command,
    args: Array.isArray(exec.args) ? exec.args.map(String) : [],
    env: Object.fromEntries(
      env.map((
        each,
      ) => [textAt(each, "name") ?? "", textAt(each, "value") ?? ""]),
    ),
    cluster: exec.provideClusterInfo === true
      ? () => execCluster(cluster)
      : undefined,
    installHint: textAt(exec, "installHint"),
  };
}

/** What stands in the entry itself as base64, or in the file that it names. */
async function pemAt(entry: Entry, key: string): Promise<string | undefined> {
  const data = textAt(entry.value, `${key}-data`);
  if (data !== undefined) {
    return new TextDecoder().decode(Uint8Array.fromBase64(data));
  }
  return await fileAt(entry, key);
}

async function fileAt(entry: Entry, key: string): Promise<string | undefined> {
  const name = textAt(entry.value, key);
  if (name === undefined) return undefined;
  const path = isAbsolute(name) ? name : join(entry.dir, name);
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw wrong(
      `Cannot read "${path}", which "${entry.name}" of the kubeconfig names as "${key}"`,
      cause,
    );
  }
}

/** Names what a cluster's entry has for the credential plugin alone. */
const EXEC_EXTENSION = "client.authentication.k8s.io/exec";

/** What a credential plugin is told about a cluster; one whose certificate is not checked is refused before. */
async function execCluster(entry: Entry): Promise<ExecCluster> {
  const { value } = entry;
  const ca = await pemAt(entry, "certificate-authority");
  const extensions = Array.isArray(value.extensions) ? value.extensions : [];
  return {
    "server": textAt(value, "server"),
    "tls-server-name": textAt(value, "tls-server-name"),
    "certificate-authority-data": ca &&
      new TextEncoder().encode(ca).toBase64(),
    "proxy-url": textAt(value, "proxy-url"),
    "disable-compression": value["disable-compression"] === true || undefined,
    "config": extensions.filter(isMapping)
      .find(({ name }) => name === EXEC_EXTENSION)?.extension,
  };
}

const USER_KEYS_REFUSED: Readonly<Record<string, string>> = {
  "auth-provider":
    "Kubernetes removed it in 1.26; use a credential plugin (exec)",
  "username": "Kubernetes removed basic authentication in 1.19",
  ...Object.fromEntries(
    ["as", "as-groups", "as-uid", "as-user-extra"].map((key) => [
      key,
      "the agent acts with its own rights only",
    ]),
  ),
};

/** Whether a value is none of those that stand for nothing. */
function says(value: Value | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMapping(value)) return Object.keys(value).length > 0;
  return (value ?? "") !== "";
}

function checkSupported(cluster: Entry, user: Entry): void {
  for (const [key, why] of Object.entries(USER_KEYS_REFUSED)) {
    if (says(user.value[key])) throw unsupported(user, key, why);
  }
  if (cluster.value["insecure-skip-tls-verify"] === true) {
    throw unsupported(
      cluster,
      "insecure-skip-tls-verify",
      'name its "certificate-authority" instead',
    );
  }
  const proxied = textAt(cluster.value, "proxy-url") !== undefined;
  if (proxied && textAt(cluster.value, "tls-server-name") !== undefined) {
    throw unsupported(
      cluster,
      "tls-server-name",
      'it cannot be used with a "proxy-url"; name the server as its certificate does',
    );
  }
}

function serverOf(cluster: Entry): URL {
  const server = textAt(cluster.value, "server") ?? "";
  if (!URL.canParse(server)) {
    throw wrong(
      `Cannot use "${cluster.name}" of the kubeconfig: its "server" is no URL but "${server}"`,
    );
  }
  return new URL(server);
}

/** What one context stands for. */
interface Parts {
  readonly cluster: Entry;
  readonly user: Entry;
  readonly namespace: string | undefined;
  readonly credential: (() => Promise<ExecCredential>) | undefined;
}

async function resolve(options: KubeconfigOptions): Promise<Parts> {
  const { contexts, clusters, users, currentContext, files } =
    await mergeKubeconfigs(
      options.paths,
    );
  const context = entryOf(contexts, options.context ?? currentContext, {
    kind: "context",
    files,
  });
  const clusterName = textAt(context.value, "cluster");
  const userName = textAt(context.value, "user");
  const cluster = entryOf(clusters, clusterName, { kind: "cluster", files });
  const user = userName === undefined
    ? { name: "", value: {}, dir: "." } // kubectl takes it for nobody
    : entryOf(users, userName, { kind: "user", files });
  checkSupported(cluster, user);
  serverOf(cluster);
  const exec = execOf(user, cluster);
  return {
    cluster,
    user,
    namespace: textAt(context.value, "namespace"),
    credential: exec && execCredential(exec, options.clock),
  };
}

async function accessOf({ cluster, user, credential }: Parts): Promise<Access> {
  const url = serverOf(cluster);
  const written = (await fileAt(user, "tokenFile"))?.trim() ??
    textAt(user.value, "token");
  const given = written === undefined ? await credential?.() : undefined;
  const token = written ?? given?.token;
  if (url.protocol === "http:" && token !== undefined) {
    throw unsupported(cluster, "server", "a token is not sent over plain http");
  }
  const name = textAt(cluster.value, "tls-server-name");
  const at = name === undefined || url.protocol === "http:" ? undefined : {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 443),
  };
  if (name !== undefined && at !== undefined) {
    url.hostname = name;
    if (url.hostname !== name.toLowerCase()) {
      throw wrong(
        `Cannot use "${cluster.name}" of the kubeconfig: its "tls-server-name" is no name of a host but "${name}"`,
      );
    }
  }
  return {
    server: url.href.replace(/\/$/, ""),
    token,
    connection: {
      ca: await pemAt(cluster, "certificate-authority"),
      cert: given?.cert ?? await pemAt(user, "client-certificate"),
      key: given?.key ?? await pemAt(user, "client-key"),
      proxy: textAt(cluster.value, "proxy-url"),
      ...(at === undefined ? {} : { at }),
    },
  };
}

/**
 * Reads a kubeconfig as kubectl does, and gives access by its context. Files
 * that it names are read again as they change; the kubeconfig itself, and its
 * credential plugin, when the server refuses what they gave.
 *
 * @param options The files, and the context.
 * @throws {TransporterError} `no_cluster`: there is none, or it says too little; `unsupported`: it asks for what is not supported.
 * @see {@link https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/}
 */
export async function readKubeconfig(
  options: KubeconfigOptions,
): Promise<Kubeconfig> {
  let parts = await resolve(options);
  const { namespace } = parts;
  async function load(refused: boolean): Promise<Access> {
    if (refused) parts = await resolve(options);
    return await accessOf(parts);
  }
  return { access: rereadAccess(load, options.clock), namespace };
}
