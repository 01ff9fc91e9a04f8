import {
  type ErrorCode,
  isErrorCode,
  isRecord,
  parseJson,
  TransporterError,
  withoutPassword,
} from "@transporter/sdk";

/** What an answer that is no success says, before anybody looks at its code. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
  /** Who answered. */
  readonly url: string;
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "denied",
  404: "not_found",
  405: "method_not_allowed",
  413: "too_large",
  415: "unsupported_media_type",
  426: "unsupported_version",
  429: "slow_down",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** Statuses that something before a control plane answers with in its place; with another one it is none at all. */
const BEFORE: ReadonlySet<number> = new Set([
  401,
  403,
  413,
  429,
  502,
  503,
  504,
]);

/** What a person does next; the control plane cannot know it, since it does not know who asks. */
const CURES: Partial<Readonly<Record<ErrorCode, string>>> = {
  unknown_agent: '"transporter get agents" lists the known ones',
  unknown_event: '"transporter get events" lists the known ones',
  id_conflict: "leave out the id to get a new one",
};

/** Statuses after which nobody knows whether the request was dealt with. */
const UNCLEAR: ReadonlySet<number> = new Set([500, 502, 504]);

/** How long to wait before another try, in milliseconds; `undefined` when the answer does not say. @see {@link https://www.rfc-editor.org/rfc/rfc9110#field.retry-after} */
export function retryAfterMs(
  headers: Headers,
  now: number,
): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function bodyOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = parseJson(text);
    return isRecord(value) ? value : {};
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    return {}; // a proxy's page: the status has to do
  }
}

/** The error of an answer that no control plane gave: another try would not change that. */
export function stranger(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): TransporterError {
  return new TransporterError("unavailable", message, {
    details: { ...details, final: true },
  });
}

/**
 * Makes an error of an answer: by its `code` if it is one of ours, else by its
 * status. `details.maybe_done` is true when the request may have been dealt
 * with all the same.
 */
export function problemOf(refusal: Refusal): TransporterError {
  const { status, text, url } = refusal;
  const body = bodyOf(text);
  const { code, message, detail } = body;
  const said = typeof message === "string" ? message : detail;
  if (typeof code !== "string" || typeof said !== "string") {
    const found = `Cannot use the answer of "${
      withoutPassword(url)
    }": it has status ${status} and is not one of a control plane`;
    const details = { maybe_done: UNCLEAR.has(status) };
    return BEFORE.has(status)
      ? new TransporterError(CODES[status] ?? "unavailable", found, { details })
      : stranger(`${found}; name one with --cp-url or TP_URL`, details);
  }
  const details = isRecord(body["details"]) ? body["details"] : undefined;
  if (!isErrorCode(code)) {
    return new TransporterError(
      CODES[status] ?? "internal",
      `${said} ("${code}")`,
      {
        ...(details === undefined ? {} : { details }),
      },
    );
  }
  // A control plane that names a command has said what to do.
  const cure = said.includes('"transporter ') ? undefined : CURES[code];
  return new TransporterError(
    code,
    cure === undefined ? said : `${said}; ${cure}`,
    {
      ...(details === undefined ? {} : { details }),
    },
  );
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/refused/i, "nothing listens there"],
  [/dns error|lookup|resolve/i, "its name is not known"],
  [
    /certificate|tls|handshake|corrupt message/i,
    "its certificate is not trusted, or TLS failed",
  ],
  [/unreachable|timed out/i, "the network does not reach it"],
];

/** Whether the connection came about at all; Deno says where it failed in the message of the cause. */
function wasConnected(detail: string): boolean {
  return !detail.includes("client error (Connect)") &&
    !/refused|are blocked/i.test(detail);
}

function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return `${error.message} ${messagesOf(error.cause)}`;
}

/**
 * Makes an error of a `fetch` that failed: `unavailable`, with what to do.
 * `details.maybe_done` is true when the request may have arrived.
 */
export function unreachable(url: string, cause: unknown): TransporterError {
  const detail = messagesOf(cause);
  const maybeDone = wasConnected(detail);
  const reason = REASONS.find(([regexp]) => regexp.test(detail))?.[1] ??
    (maybeDone ? "the connection broke" : "it cannot be connected to");
  return new TransporterError(
    "unavailable",
    `Cannot reach the control plane at "${
      withoutPassword(url)
    }" as ${reason}: start one with ` +
      '"transporter cp --dev", or name another with --cp-url',
    { cause, details: { maybe_done: maybeDone } },
  );
}
