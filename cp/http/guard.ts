import { TransporterError } from "@transporter/sdk";
import type { IncomingMessage } from "node:http";
import { isLoopback } from "../config.ts";

/** What a guard looks at. */
export type Visitor = Pick<IncomingMessage, "headers" | "rawHeaders" | "url">;

const HOST_REGEXP = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/;

/**
 * The host that a request is for, as it wrote it.
 *
 * @throws {TransporterError} `bad_request` when it names none, or several.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9112#section-3.2}
 */
export function hostOf({ headers, rawHeaders, url = "" }: Visitor): string {
  const count =
    rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host")
      .length;
  const host = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? headers.host;
  if (count > 1 || host === undefined || host === "") {
    throw new TransporterError(
      "bad_request",
      `Cannot serve a request with ${count} "Host" headers: it must have one`,
    );
  }
  return host;
}

/**
 * Refuses what a browser may have been tricked into. Without tokens, the only
 * thing that tells a person at this machine from a page of a stranger is which
 * host the browser believes to talk to.
 *
 * @throws {TransporterError} `foreign_host`, `foreign_origin`, `bad_request`.
 */
export function guardDev(visitor: Visitor): void {
  const host = hostOf(visitor);
  const [, bracketed, plain] = HOST_REGEXP.exec(host) ?? [];
  if (!isLoopback(bracketed ?? plain ?? "")) {
    throw new TransporterError(
      "foreign_host",
      `Cannot serve a request for host "${
        host.slice(0, 100)
      }" with --dev: use "localhost" or "127.0.0.1"`,
    );
  }
  const { origin } = visitor.headers;
  if (
    origin !== undefined &&
    origin.toLowerCase() !== `http://${host}`.toLowerCase()
  ) {
    throw foreignOrigin(origin);
  }
}

/**
 * Refuses browsers: no agent sends an `Origin`.
 *
 * @throws {TransporterError} `foreign_origin`.
 */
export function guardAgents({ headers }: Visitor): void {
  if (headers.origin !== undefined) throw foreignOrigin(headers.origin);
}

function foreignOrigin(origin: string): TransporterError {
  return new TransporterError(
    "foreign_origin",
    `Cannot serve a request that a page of "${origin.slice(0, 100)}" makes`,
  );
}
