import { TransporterError } from "@transporter/sdk";
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

interface Pattern<T> {
  readonly segments: readonly string[];
  readonly value: T;
}

/** Finds what is at a path. Paths are written as OpenAPI does: `/v2/events/{id}`. */
export class Router<T> {
  readonly #fixed = new Map<string, Found<T>>();
  readonly #patterns: Pattern<T>[] = [];

  /** Puts something at a path. */
  add(path: string, value: T): void {
    const pattern = { segments: path.split("/"), value };
    if (path.includes("{")) this.#patterns.push(pattern);
    else {
      this.#fixed.set(path, { value, parts: {} });
      this.#patterns.unshift(pattern); // for a path that is escaped
    }
  }

  /** What is at a path; one without named parts first. */
  find(path: string): Found<T> | undefined {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return fixed;
    const given = path.split("/").map(decoded);
    for (const { segments, value } of this.#patterns) {
      const parts = matched(segments, given);
      if (parts !== undefined) return { value, parts };
    }
    return undefined;
  }
}

function matched(
  segments: readonly string[],
  given: readonly string[],
): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const text = given[i] ?? "";
    if (!segment.startsWith("{")) {
      if (text !== segment) return undefined;
    } else if (text === "") return undefined;
    else parts[segment.slice(1, -1)] = text;
  }
  return parts;
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
