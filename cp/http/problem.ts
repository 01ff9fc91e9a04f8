import {
  ERROR_CODES,
  type ErrorCode,
  type ProblemBody,
  TransporterError,
} from "@transporter/sdk";

/** The media type of every error. @see {@link https://www.rfc-editor.org/rfc/rfc9457#section-3} */
export const PROBLEM_TYPE = "application/problem+json";

/** An error as an HTTP answer, before anybody writes it. */
export interface Problem {
  /** The HTTP status. */
  readonly status: number;
  /** Headers, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is sent as JSON. */
  readonly body: ProblemBody;
}

/** Seconds that a client shall wait before it asks again. */
const RETRY_AFTER_SECONDS: Partial<Readonly<Record<ErrorCode, number>>> = {
  queue_full: 5,
};

// deno-lint-ignore no-control-regex -- control characters are what is replaced
const CONTROL_REGEXP = /[\u0000-\u001f\u007f-\u009f]/g;

/** The code in words: `id_conflict` is "Id conflict". */
function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Makes the answer that says why a request failed. What is `internal` stays
 * inside: the client gets a name under which it stands in the log.
 *
 * @param reason What was thrown.
 * @param options `newId`: names an answer whose reason is only in the log.
 * @returns The answer.
 */
export function problemOf(
  reason: unknown,
  { newId }: { readonly newId: () => string },
): Problem {
  const error = TransporterError.from(reason);
  const { code, status, retryable } = error;
  const hidden = code === "internal";
  // Messages quote what was sent, and people read them on terminals.
  const message = hidden
    ? "Internal error"
    : error.message.replaceAll(CONTROL_REGEXP, "?");
  const body = {
    type: `urn:transporter:error:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    ...(hidden ? { code } : error.toJSON()),
    message,
    ...(hidden ? { instance: `urn:transporter:problem:${newId()}` } : {}),
  };
  const headers = {
    "content-type": PROBLEM_TYPE,
    ...(retryable
      ? { "retry-after": String(RETRY_AFTER_SECONDS[code] ?? 1) }
      : {}),
    ...ownHeaders(error),
  };
  return { status, headers, body };
}

/** Headers that say what to do instead. */
function ownHeaders(
  { code, details }: TransporterError,
): Record<string, string> {
  const allow = details?.["allow"];
  if (code === "method_not_allowed" && Array.isArray(allow)) {
    return { allow: allow.join(", ") };
  }
  return code === "unsupported_version" ? { upgrade: "websocket" } : {};
}

/** Every status an error can have, with its codes. */
export function codesByStatus(
  codes: readonly ErrorCode[],
): ReadonlyMap<number, readonly ErrorCode[]> {
  const groups = Map.groupBy(codes, (code) => ERROR_CODES[code].status);
  return new Map([...groups].toSorted(([a], [b]) => a - b));
}

/** Writes an error as a whole HTTP/1.1 message, for a connection that no handler will ever see. */
export function rawProblem(
  { status, headers, body }: Problem,
  more: Readonly<Record<string, string>> = {},
): string {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    ...more,
    "content-length": String(new TextEncoder().encode(text).length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${body.title}\r\n${lines.join("")}\r\n${text}`;
}
