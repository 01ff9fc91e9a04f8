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

/**
 * Reads an answer that is a success.
 *
 * @throws {TransporterError} `failed` when it is no JSON object.
 */
export function successOf(
  answer: ApiAnswer,
  { doing, uncertain }: { readonly doing: string; readonly uncertain: boolean },
): Success {
  const { status, headers } = answer;
  let body: unknown;
  try {
    body = parseExactly(answer.text);
  } catch (cause) {
    throw new TransporterError(
      "failed",
      `Cannot ${doing}: the answer is no JSON`,
      { cause },
    );
  }
  if (!isRecord(body)) {
    throw new TransporterError(
      "failed",
      `Cannot ${doing}: the answer is no JSON object`,
    );
  }
  return { status, headers, body, warnings: warningsOf(headers), uncertain };
}
