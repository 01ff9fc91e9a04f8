import { traversal } from "./meter.ts";
import { always, declare, type Overload } from "./overload.ts";
import { CelError, CelValue, isReadable, lengthOf } from "./value.ts";

const TYPE = "kubernetes.URL";

/** An address of the web, in parts, as Go reads it. */
class Url extends CelValue {
  readonly kind = TYPE;
  constructor(
    readonly scheme: string,
    readonly host: string,
    readonly path: string,
    readonly query: string,
    readonly text: string,
  ) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Url && other.text === this.text;
  }
}

const URL_REGEXP =
  /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is;
const HOST_REGEXP =
  /^(?:\[[0-9a-f:.]+(?:%25[\w.~-]+)?\]|[^:[\]<>" ]*)(?::\d*)?$/i;
// deno-lint-ignore no-control-regex -- these are what is refused
const CONTROL_REGEXP = /[\x00-\x1f\x7f]/;

function wrong(text: string, reason: string): CelError {
  return new CelError(
    `URL parse error during conversion from string: parse ${
      JSON.stringify(text)
    }: ${reason}`,
  );
}

function isEscaped(text: string): boolean {
  return !/%(?![0-9a-f]{2})/i.test(text);
}

function read(text: string): Url {
  if (text === "") throw wrong(text, "empty url");
  if (CONTROL_REGEXP.test(text)) {
    throw wrong(text, "net/url: invalid control character in URL");
  }
  const [, scheme = "", authority = "", path = "", query = ""] = URL_REGEXP
    .exec(text) ?? [];
  const isRooted = text.startsWith("/") || scheme !== "";
  if (
    !isRooted || (scheme !== "" && /^[^/]/.test(text.slice(scheme.length + 1)))
  ) {
    if (!text.startsWith("/") && scheme === "") {
      throw wrong(text, "invalid URI for request");
    }
  }
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (!HOST_REGEXP.test(host)) throw wrong(text, "invalid host");
  if (!isEscaped(path) || !isEscaped(host.replaceAll("%25", ""))) {
    throw wrong(text, "invalid URL escape");
  }
  return new Url(scheme.toLowerCase(), host, path, query, text);
}

function hostname({ host }: Url): string {
  const [, six, other] = /^(?:\[(.*)\]|([^:]*))/.exec(host) ?? [];
  return six ?? other ?? "";
}

function port({ host }: Url): string {
  return /:(\d*)$/.exec(host.replace(/^\[.*\]/, ""))?.[1] ?? "";
}

const encoder = new TextEncoder();

/** The path with what must not be in one escaped, and what is escaped kept. */
function escapedPath({ path }: Url): string {
  return path.replace(
    /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/gu,
    (char) =>
      [...encoder.encode(char)].map((byte) =>
        `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
      ).join(""),
  );
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function query({ query: text }: Url): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const pair of text.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const [key = "", ...rest] = pair.split("=");
    const name = unescaped(key);
    const value = unescaped(rest.join("="));
    if (name === undefined || value === undefined) continue;
    values.set(name, [...values.get(name) ?? [], value]);
  }
  return values;
}

const once = always((text: string) => traversal(lengthOf(text)), () => 100);
const nominal = always(() => 1);
const split = always(() => 1, ({ query: text }: Url) => 100 + text.length);

/** Addresses of the web. */
export const urls: readonly Overload[] = [
  declare(`url(string): ${TYPE}`, read, once),
  declare(
    "isURL(string): bool",
    (text: string) => isReadable(() => read(text)),
    { work: () => 100 },
  ),
  declare(`${TYPE}@getScheme(): string`, ({ scheme }: Url) => scheme, nominal),
  declare(`${TYPE}@getHost(): string`, ({ host }: Url) => host, nominal),
  declare(`${TYPE}@getHostname(): string`, hostname, nominal),
  declare(`${TYPE}@getPort(): string`, port, nominal),
  declare(`${TYPE}@getEscapedPath(): string`, escapedPath, nominal),
  declare(`${TYPE}@getQuery(): map<string, list<string>>`, query, split),
];
