import {
  type Clock,
  cutBy,
  deadline,
  parseJson,
  type Rng,
  TransporterError,
  withoutPassword,
} from "@transporter/sdk";
import { readText } from "./bytes.ts";
import { problemOf, retryAfterMs, unreachable } from "./problem.ts";
import { stoppedBy } from "./retry.ts";

/** What a client needs from outside. */
export interface HttpOptions {
  /** The base of every address, without a slash at its end. */
  readonly url: string;
  /** HTTP. */
  readonly fetch: typeof fetch;
  /** For timeouts and for delays between tries. */
  readonly clock: Clock;
  /** For the jitter of the delays. */
  readonly rng: Rng;
  /** Aborts when nobody wants the answer any more. */
  readonly signal: AbortSignal;
  /** Takes a line for people, such as why something is tried again. */
  readonly note: (line: string) => void;
}

/** A query: `undefined` is left out, a list is repeated. */
export type Query = Readonly<
  Record<string, string | readonly string[] | undefined>
>;

/** One request. */
export interface Request {
  /** `GET` by default. */
  readonly method?: "GET" | "POST" | "DELETE";
  /** What to ask for. */
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** How long the whole may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/** An answer, whatever its status. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
}

/** Long enough for a store under load, short enough for a person. */
const TIMEOUT_MS = 30_000;

/** More than any page of a list has. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Requests to one control plane: addresses, timeouts, and errors by their code. */
export class Http {
  /** Where it goes. */
  readonly options: HttpOptions;

  /** Makes one; nothing is sent yet. */
  constructor(options: HttpOptions) {
    this.options = options;
  }

  /** The address of a path. */
  address(path: string, query: Query = {}): string {
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
      for (const each of typeof value === "string" ? [value] : value ?? []) {
        search.append(key, each);
      }
    }
    const text = search.toString();
    return `${this.options.url}${path}${text === "" ? "" : `?${text}`}`;
  }

  /**
   * Sends a request once and reads the whole answer.
   *
   * @throws {TransporterError} `unavailable` when there is no answer, `cancelled` when nobody wants it any more.
   */
  async ask(path: string, request: Request = {}): Promise<Answer> {
    const { method = "GET", query, body, timeoutMs = TIMEOUT_MS } = request;
    const { url, clock, signal } = this.options;
    using limit = deadline(clock, timeoutMs, {
      signal,
      reason: new TransporterError(
        "unavailable",
        `Cannot get an answer from "${withoutPassword(url)}" within ${
          timeoutMs / 1000
        }s`,
      ),
    });
    try {
      const response = await this.options.fetch(this.address(path, query), {
        method,
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: limit.signal,
      });
      const text = response.body === null
        ? ""
        : await readText(cutBy(response.body, limit.signal), {
          name: `the answer of "${withoutPassword(url)}"`,
          bytesMax: ANSWER_BYTES_MAX,
        });
      return { status: response.status, headers: response.headers, text };
    } catch (cause) {
      throw this.failure(cause, limit.signal);
    }
  }

  /**
   * Sends a request once, and reads its answer, which has to be a success.
   *
   * @throws {TransporterError} What {@linkcode Http.ask} throws, or the code of the refusal;
   * `details.retry_after_ms` says when it may be tried again.
   */
  async done(path: string, request: Request = {}): Promise<Answer> {
    const { url, clock } = this.options;
    const answer = await this.ask(path, request);
    if (answer.status >= 200 && answer.status <= 299) return answer;
    const problem = problemOf({ ...answer, url });
    const wait = retryAfterMs(answer.headers, clock.now());
    if (wait === undefined) throw problem;
    throw new TransporterError(problem.code, problem.message, {
      details: { ...problem.details, retry_after_ms: wait },
    });
  }

  /**
   * Sends a request once and reads its answer, which has to be a success, as JSON.
   *
   * @throws {TransporterError} What {@linkcode Http.done} throws; `unavailable` when it is no JSON.
   */
  async json(path: string, request: Request = {}): Promise<unknown> {
    const { url } = this.options;
    const answer = await this.done(path, request);
    try {
      return parseJson(answer.text, ANSWER_LIMITS);
    } catch (cause) {
      throw new TransporterError(
        "unavailable",
        `Cannot use the answer of "${
          withoutPassword(url)
        }": it is no JSON; is this a control plane?`,
        { cause },
      );
    }
  }

  /** What a `fetch` that threw means. */
  failure(cause: unknown, signal: AbortSignal): TransporterError {
    if (signal.aborted) {
      const stopped = stoppedBy(signal, cause);
      return new TransporterError(stopped.code, stopped.message, {
        cause,
        details: { ...stopped.details, maybe_done: true },
      });
    }
    if (cause instanceof TransporterError) return cause;
    return unreachable(this.options.url, cause);
  }
}

/** Answers are ours; a page of 500 events has many keys. */
const ANSWER_LIMITS = {
  depthMax: 256,
  keysMax: 5_000_000,
  valuesMax: 20_000_000,
};
