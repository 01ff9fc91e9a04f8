import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { decodePart, nearest, TransporterError } from "../mod.ts";

/** Schemes of URLs, and the library's scheme for each: `nats+wss` is its WebSocket form, as `wss` is a wire of its own. */
const SCHEMES: Readonly<Record<string, string>> = {
  "nats:": "nats",
  "tls:": "tls",
  "nats+ws:": "ws",
  "nats+wss:": "wss",
};

/** What the query of a URL may name: files. */
const FILES = [
  "creds",
  "nkey",
  "token_file",
  "password_file",
  "ca",
  "cert",
  "key",
] as const;

type FileName = typeof FILES[number];

/** Whether a URL is one of a NATS server. */
export function isNatsUrl(url: URL): boolean {
  return Object.hasOwn(SCHEMES, url.protocol);
}

/** A URL without what nobody else may read. */
export function showNatsUrl(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/** What a URL says of a server, and of who one is there. */
export interface NatsTarget extends
  Pick<
    ConnectionOptions,
    "user" | "pass" | "token" | "authenticator" | "tls"
  > {
  /** Where it is. */
  readonly servers: string;
  /** Whether it is reached by a WebSocket. */
  readonly isSocket: boolean;
}

/**
 * Reads a URL, and the files that it names.
 *
 * @param url The URL.
 * @param token Who one is, when the URL does not say.
 * @throws {TransporterError} `usage`.
 */
export async function readNatsUrl(
  url: URL,
  token: string | undefined,
): Promise<NatsTarget> {
  const given = await readFiles(url);
  const scheme = SCHEMES[url.protocol];
  const isSocket = scheme === "ws" || scheme === "wss";
  const { ca, cert, key } = given;
  const isTls = ca !== undefined || cert !== undefined;
  if (isSocket && isTls) {
    throw unfit(url, '"ca", "cert" and "key" are not for its WebSocket form');
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw unfit(url, '"cert" and "key" go together');
  }
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  return {
    servers: `${isSocket ? `${scheme}://` : ""}${hostOf(url)}`,
    isSocket,
    ...identityOf(url, given, token),
    ...(isTls || scheme === "tls" ? { tls } : {}),
  };
}

function unfit(url: URL, why: string): TransporterError {
  return new TransporterError(
    "usage",
    `Cannot use the NATS URL "${showNatsUrl(url)}": ${why}`,
  );
}

function hostOf(url: URL): string {
  if (url.hostname === "") throw unfit(url, "it has no host");
  const ports = { "nats+ws:": "80", "nats+wss:": "443" } as Record<
    string,
    string
  >;
  return `${url.hostname}:${url.port || (ports[url.protocol] ?? "4222")}`;
}

/** The files that the query of a URL names. */
async function readFiles(
  url: URL,
): Promise<Partial<Record<FileName, string>>> {
  const found: Partial<Record<FileName, string>> = {};
  for (const [name, path] of url.searchParams) {
    const known = FILES.find((file) => file === name);
    if (known === undefined) {
      const meant = nearest(name, FILES);
      throw unfit(
        url,
        `"${name}" is none of ${FILES.join(", ")}${
          meant === undefined ? "" : `; did you mean "${meant}"?`
        }`,
      );
    }
    try {
      found[known] = await Deno.readTextFile(path);
    } catch (cause) {
      throw new TransporterError(
        "usage",
        `Cannot read the file "${path}" that "${name}" of the NATS URL "${
          showNatsUrl(url)
        }" names`,
        { cause },
      );
    }
  }
  return found;
}

/** Who one is, in the library's words. */
function identityOf(
  url: URL,
  { creds, nkey, token_file: token, password_file: secret }: Partial<
    Record<FileName, string>
  >,
  otherwise: string | undefined,
): Pick<ConnectionOptions, "user" | "pass" | "token" | "authenticator"> {
  const user = decodePart(url.username, url);
  const pass = secret?.trimEnd() ?? decodePart(url.password, url);
  const ways = [creds, nkey, token, user || undefined];
  if (ways.filter((way) => way !== undefined).length > 1) {
    throw unfit(url, "it says in more than one way who one is");
  }
  if (secret !== undefined && user === "") {
    throw unfit(url, '"password_file" needs a user before the host');
  }
  const encoder = new TextEncoder();
  const authenticator: Authenticator | undefined = creds !== undefined
    ? credsAuthenticator(encoder.encode(creds))
    : nkey !== undefined
    ? nkeyAuthenticator(encoder.encode(nkey.trim()))
    : undefined;
  if (authenticator !== undefined) return { authenticator };
  if (token !== undefined) return { token: token.trimEnd() };
  if (user === "") return otherwise === undefined ? {} : { token: otherwise };
  return pass === "" ? { token: user } : { user, pass };
}
