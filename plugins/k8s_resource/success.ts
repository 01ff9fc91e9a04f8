import { isRecord, TransporterError } from "@transporter/sdk";
import type { ApiAnswer } from "./answer.ts";
import { parseExactly } from "./exact_json.ts";

/** An answer that is a success. */
export interface Success {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body. */
  readonly body: Readonly<Record<string, unknown>>;
  /** What the server warned of. */
  readonly warnings: readonly string[];
  /** Whether a try before this one ended without an answer, so that it may have been done by that one. */
  readonly uncertain: boolean;
}

const WARNING_REGEXP = /299 \S+ "((?:[^"\\]|\\.)*)"/g;

/** Reads `Warning` headers. @see {@link https://kubernetes.io/docs/reference/using-api/deprecation-policy/} */
function warningsOf(headers: Headers): string[] {
  return [...(headers.get("warning") ?? "").matchAll(WARNING_REGEXP)]
    .map(([, text = ""]) => text.replace(/\\(.)/g, "$1"));
}

/** Whether it is an object of Kubernetes, as every answer of an API server is, and not just that something went well. */
function isOfServer(
  { kind, status }: Readonly<Record<string, unknown>>,
  method: string,
): boolean {
  if (kind === "Status") {
    return status === "Success" && method !== "GET" && method !== "PATCH";
  }
  return typeof kind === "string" && kind !== "";
}

/**
 * Reads an answer that is a success.
 *
 * @throws {TransporterError} `failed` when it is no object of Kubernetes, as when a proxy answers in place of the API
 * server. `details.maybe_done` when it was a write.
 */
export function successOf(
  answer: ApiAnswer,
  { doing, method, uncertain }: {
    readonly doing: string;
    readonly method: string;
    readonly uncertain: boolean;
  },
): Success {
  const { status, headers } = answer;
  const fail = (why: string, cause?: unknown) =>
    new TransporterError("failed", `Cannot ${doing}: ${why}`, {
      cause,
      ...(method === "GET" ? {} : { details: { maybe_done: true } }),
    });
  let body: unknown;
  try {
    body = parseExactly(answer.text);
  } catch (cause) {
    throw fail("the answer is no JSON", cause);
  }
  if (!isRecord(body)) throw fail("the answer is no JSON object");
  if (!isOfServer(body, method)) {
    throw fail(
      "the answer is none of an API server; is something else at its address?",
    );
  }
  return { status, headers, body, warnings: warningsOf(headers), uncertain };
}
