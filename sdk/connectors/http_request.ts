import {
  cutBy,
  type ErrorCode,
  isErrorCode,
  isRecord,
  TransporterError,
} from "../mod.ts";

/** Where requests go, and what goes with each. */
export interface Place {
  /** The base of the routes; ends with a slash. */
  readonly base: URL;
  /** A bearer token. */
  readonly token: string | undefined;
  /** The longest answer, in bytes. */
  readonly bytesMax: number;
}

/** A request. */
export interface Ask {
  /** The path below the base, and the query. */
  readonly path: string;
  /** What is sent as JSON, with `POST`; without it, it is `GET`. */
  readonly body?: unknown;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** How long an answer may take that waits for nothing, in milliseconds. */
export const ANSWER_MS_MAX = 30_000;

/** Which code a status means when whoever answers says no more. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "denied",
  413: "too_large",
  426: "unsupported_version",
  429: "slow_down",
};

/** Statuses after which the same request may succeed: of a control plane, or of a proxy in front of one. */
const RETRYABLE: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** Whether the same request may succeed if it is sent again. */
export function isPassing({ code, details }: TransporterError): boolean {
  const status = details?.["status"];
  if (typeof status === "number") return RETRYABLE.includes(status);
  return code === "unavailable" || code === "timeout";
}

/** How long whoever answered asks to be left alone, in milliseconds. */
export function retryAfterOf({ details }: TransporterError): number {
  const ms = details?.["retry_after_ms"];
  return typeof ms === "number" ? ms : 0;
}

/**
 * Where the routes of a link are, if a control plane is at a URL: the
 * place of its WebSocket counts as well, and a path before it is kept, as
 * reverse proxies have one.
 */
export function baseOf(url: URL): URL {
  const base = new URL(url.href.replace("+sse:", ":"));
  base.search = base.hash = "";
  base.pathname = base.pathname.replace(/(?:\/(?:ws|v2\/link))?\/?$/, "/");
  return base;
}

/**
 * Sends a request, and reads the answer.
 *
 * @returns The answer's JSON; `undefined` for one without a body.
 * @throws {TransporterError} `unavailable` when nobody answers or it is not JSON, what the control
 * plane says, the signal's reason. `details.status` is the status of the answer, if there was one.
 */
export async function ask(place: Place, request: Ask): Promise<unknown> {
  const { signal, timeoutMs } = request;
  signal.throwIfAborted();
  const url = new URL(request.path, place.base);
  const limit = new AbortController();
  const timer = setTimeout(
    () =>
      limit.abort(
        new TransporterError(
          "timeout",
          `Cannot go on as "${url.host}" does not answer`,
        ),
      ),
    timeoutMs,
  );
  const stop = () => limit.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await send(url, place, { ...request, signal: limit.signal });
  } catch (cause) {
    limit.signal.throwIfAborted();
    if (cause instanceof TransporterError) throw cause;
    const why = reasonOf(cause);
    throw new TransporterError(
      "unavailable",
      `Cannot connect to "${url.host}": ${why}`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** What `fetch` says, which may be "fetch failed" only: what is behind that says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : error.message;
}

/**
 * Opens a stream of server-sent events.
 *
 * @throws {TransporterError} as {@linkcode ask} does.
 */
export async function openStream(
  place: Place,
  { path, signal }: Pick<Ask, "path" | "signal">,
): Promise<ReadableStream<Uint8Array>> {
  const url = new URL(path, place.base);
  const response = await request(url, place, { signal });
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || !type.startsWith("text/event-stream")) {
    throw refusal(url, response, await readText(response, place.bytesMax));
  }
  return cutBy(response.body ?? ReadableStream.from([]), signal);
}

async function request(
  url: URL,
  { token }: Place,
  { body, signal }: Pick<Ask, "body" | "signal">,
): Promise<Response> {
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return await fetch(url, {
    ...(body === undefined
      ? {}
      : { method: "POST", body: JSON.stringify(body) }),
    headers,
    redirect: "manual",
    signal,
  });
}

async function send(url: URL, place: Place, asked: Ask): Promise<unknown> {
  const response = await request(url, place, asked);
  const text = await readText(response, place.bytesMax);
  if (!response.ok) throw refusal(url, response, text);
  if (response.status === 204) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TransporterError(
      "unavailable",
      `Cannot connect to "${url.host}": its answer is no JSON, so that something else may have answered`,
      { cause },
    );
  }
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  const length = response.headers.get("content-length");
  const isPlain = !response.headers.has("content-encoding");
  // In one go, as reading chunks costs more than all the rest; a body has no more than it says.
  if (length !== null && isPlain && Number(length) <= bytesMax) {
    return await response.text();
  }
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new TransporterError(
        "too_large",
        `Cannot read an answer of more than ${bytesMax} bytes`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** What an answer says that is no success. */
function refusal(url: URL, response: Response, text: string): TransporterError {
  const { status, headers } = response;
  const seconds = Number(headers.get("retry-after") ?? NaN);
  const details = {
    status,
    ...(seconds > 0 ? { retry_after_ms: seconds * 1000 } : {}),
  };
  const said = problemOf(headers.get("content-type") ?? "", text);
  if (said !== undefined) {
    return new TransporterError(said.code, said.message, { details });
  }
  return new TransporterError(
    CODES[status] ?? "unavailable",
    `Cannot connect to "${url.host}${url.pathname}": it answers with status ${status}`,
    { details },
  );
}

function problemOf(
  type: string,
  text: string,
): { readonly code: ErrorCode; readonly message: string } | undefined {
  if (!type.startsWith("application/problem+json")) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    if (!isRecord(body)) return undefined;
    const { code, message } = body;
    if (typeof code !== "string" || !isErrorCode(code)) return undefined;
    return { code, message: String(message) };
  } catch {
    return undefined; // of something else: the status says enough
  }
}
