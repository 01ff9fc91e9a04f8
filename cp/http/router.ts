import { TransporterError } from "@transporter/sdk";
import { METHOD_NAME_ALL } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import type { IncomingMessage } from "node:http";

/** The host of a request: a name or an address, and a port. */
const HOST_REGEXP = /^(?:[\w.~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** A path that is what it says: without dots that lead elsewhere, and with nothing that has to be decoded. */
const PLAIN_PATH_REGEXP = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~:-]*)+$/;

/** What a request asks for. */
export interface Target {
  /** The path, as it was sent. */
  readonly path: string;
  /** What follows the question mark. */
  readonly query: URLSearchParams;
}

/** Most requests ask nothing. */
const NO_QUERY = new URLSearchParams();

/**
 * What a request asks for, dots resolved.
 *
 * @throws {TransporterError} `bad_request`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9112#section-3.2}
 */
export function targetOf(
  { url = "", headers: { host = "" } }: Pick<
    IncomingMessage,
    "url" | "headers"
  >,
): Target {
  if (host !== "" && !HOST_REGEXP.test(host)) throw invalid();
  if (PLAIN_PATH_REGEXP.test(url)) return { path: url, query: NO_QUERY };
  const absolute = url.startsWith("/") ? `http://localhost${url}` : url;
  const path = absolute.split("?", 1)[0] ?? "";
  const parsed = /^https?:\/\//i.test(absolute) && !path.includes("\\")
    ? URL.parse(absolute)
    : null;
  if (parsed === null) throw invalid();
  return { path: parsed.pathname, query: parsed.searchParams };
}

function invalid(): TransporterError {
  return new TransporterError(
    "bad_request",
    "Cannot serve the request: its target or its host is not valid",
  );
}

/** What was found for a path. */
export interface Found<T> {
  /** What is there. */
  readonly value: T;
  /** The parts of the path that have names, decoded. */
  readonly parts: Readonly<Record<string, string>>;
}

/** What is escaped without need: letters, digits, `-`, `.`, `_` and `~`. @see {@link https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2.2} */
const NEEDLESS_REGEXP = /%(?:2[DE]|3\d|[46][1-9A-F]|[57][\dA]|5F|7E)/gi;

/** Finds what is at a path. Paths are written as OpenAPI does: `/v2/events/{id}`. */
export class Router<T> {
  readonly #router = new TrieRouter<T>();

  /** Puts something at a path. */
  add(path: string, value: T): void {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
    this.#router.add(METHOD_NAME_ALL, pattern, value);
  }

  /** What is at a path; one without named parts first. */
  find(path: string): Found<T> | undefined {
    const plain = path.replaceAll(NEEDLESS_REGEXP, decodeURIComponent);
    const all = this.#router.match(METHOD_NAME_ALL, plain)[0].map((
      [value, named],
    ) => ({ value, named: Object.entries(named) }));
    const found = all.find(({ named }) => named.length === 0) ?? all[0];
    if (found === undefined) return undefined;
    const parts = found.named.map(([name, text]) =>
      [name, decoded(String(text))] as const
    );
    return { value: found.value, parts: Object.fromEntries(parts) };
  }
}

/** Reads what is escaped; what is so wrongly stands for itself, and so names nothing. */
export function decoded(segment: string): string {
  return segment.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  });
}
