import {
  type Clock,
  deadline,
  isRecord,
  parseTime,
  TransporterError,
} from "@transporter/sdk";

/** What a credential plugin of a kubeconfig gives. */
export interface ExecCredential {
  /** Sent as a bearer token. */
  readonly token?: string | undefined;
  /** The client certificate, PEM. */
  readonly cert?: string | undefined;
  /** Its private key, PEM. */
  readonly key?: string | undefined;
}

/** What a credential plugin is told about a cluster. @see {@link https://kubernetes.io/docs/reference/config-api/client-authentication.v1/#client-authentication-k8s-io-v1-Cluster} */
export interface ExecCluster {
  /** The address. */
  readonly server?: string | undefined;
  /** The name in its certificate, where that is another one. */
  readonly "tls-server-name"?: string | undefined;
  /** Its certificates of authorities, PEM, in base64; those that the kubeconfig names as a file, too. */
  readonly "certificate-authority-data"?: string | undefined;
  /** The proxy before it. */
  readonly "proxy-url"?: string | undefined;
  /** Whether answers should not be compressed. */
  readonly "disable-compression"?: true | undefined;
  /** What the kubeconfig has for the plugin alone. */
  readonly config?: unknown;
}

/** The command that a kubeconfig names. @see {@link https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins} */
export interface ExecCommand {
  /** `client.authentication.k8s.io/v1` or `/v1beta1`. */
  readonly apiVersion: string;
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables besides the agent's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Finds out what the program is told about the cluster, where the kubeconfig wants that. */
  readonly cluster?: (() => Promise<ExecCluster>) | undefined;
  /** How to get the program, for the error when it is missing. */
  readonly installHint?: string | undefined;
}

/** How long a credential plugin may take, in milliseconds; some ask a far identity provider. */
const EXEC_TIMEOUT_MS = 60_000;

/** A credential is asked for again this long before it ends, in milliseconds. */
const EXPIRY_MARGIN_MS = 60_000;

const decoder = new TextDecoder();

async function run(
  exec: ExecCommand,
  clock: Clock,
): Promise<Deno.CommandOutput> {
  const cluster = await exec.cluster?.();
  const info = {
    apiVersion: exec.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(cluster && { cluster }),
    },
  };
  using limit = deadline(clock, EXEC_TIMEOUT_MS, {
    reason: new TransporterError(
      "timeout",
      `Cannot wait longer for "${exec.command}"`,
    ),
  });
  try {
    const command = new Deno.Command(exec.command, {
      args: [...exec.args],
      env: { ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      stdin: "null",
      signal: limit.signal,
    });
    return await command.output();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new TransporterError(
      "unauthenticated",
      `Cannot find the credential plugin "${exec.command}" of the kubeconfig: install it${
        exec.installHint ? `: ${exec.installHint}` : ""
      }`,
      { cause },
    );
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Gets credentials from the command that a kubeconfig names. They are kept
 * until a minute before they end.
 *
 * @param exec The command.
 * @param clock Where time comes from.
 * @returns Gives the credential. One call at a time.
 */
export function execCredential(
  exec: ExecCommand,
  clock: Clock,
): () => Promise<ExecCredential> {
  let kept:
    | { readonly credential: ExecCredential; readonly until: number }
    | undefined;

  function refuse(why: string, cause?: unknown): TransporterError {
    return new TransporterError(
      "unauthenticated",
      `Cannot get credentials from "${exec.command}", the credential plugin of the kubeconfig: ${why}`,
      { cause },
    );
  }

  function read(output: Deno.CommandOutput): typeof kept {
    if (!output.success) {
      const said = decoder.decode(output.stderr).trim().split("\n").at(-1)
        ?.slice(0, 300);
      throw refuse(
        `it ended with ${output.code}${said ? ` and said "${said}"` : ""}`,
      );
    }
    let answer: unknown;
    try {
      answer = JSON.parse(decoder.decode(output.stdout));
    } catch (cause) {
      throw refuse("what it printed is no JSON", cause);
    }
    const status = isRecord(answer) && answer.kind === "ExecCredential" &&
      answer.status;
    if (!isRecord(status)) {
      throw refuse('it printed no "ExecCredential" with a "status"');
    }
    const credential = {
      token: textOf(status.token),
      cert: textOf(status.clientCertificateData),
      key: textOf(status.clientKeyData),
    };
    if (credential.token === undefined && credential.cert === undefined) {
      throw refuse("it printed neither a token nor a certificate");
    }
    const end = textOf(status.expirationTimestamp);
    return {
      credential,
      until: end === undefined ? Infinity : parseTime(end) ?? 0,
    };
  }

  return async () => {
    if (kept === undefined || kept.until - EXPIRY_MARGIN_MS <= clock.now()) {
      kept = read(await run(exec, clock));
    }
    if (kept === undefined) {
      throw new RangeError("A credential is read or an error thrown");
    }
    return kept.credential;
  };
}
