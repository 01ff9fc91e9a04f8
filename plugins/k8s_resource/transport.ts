import { type Clock, deadline, TransporterError } from "@transporter/sdk";
import type { Access, AccessSource, Connection } from "./access.ts";
import { answerOf, type ApiAnswer, type Sink } from "./answer.ts";
import { NoAnswer } from "./no_answer.ts";
import type { Header } from "./impersonate.ts";
import { Relay } from "./relay.ts";
import { ApiStream } from "./stream.ts";

/** One request to the API server. */
export interface ApiRequest {
  /** The HTTP method. */
  readonly method: "GET" | "PATCH" | "POST" | "DELETE";
  /** The path, with its query; begins with a slash. */
  readonly path: string;
  /** What the answer may be. */
  readonly accept?: string;
  /** What the body is. */
  readonly contentType?: string;
  /** The body. */
  readonly body?: string;
  /** Further headers; a name may be there several times. */
  readonly headers?: readonly Header[];
}

/** Options of {@linkcode Transport}. */
export interface TransportOptions {
  /** Where the API server is, and who we are. */
  readonly access: AccessSource;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long one request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** The bounds of one request, besides the signal. */
export interface SendLimits {
  /** Takes the body of a success. */
  readonly sink?: Sink | undefined;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * How long a connection is kept that nobody uses, in milliseconds: shorter than
 * servers do (90 s) and proxies before them, so that no request goes into one
 * that is being closed.
 */
const IDLE_MS = 30_000;

/** What a server says that speaks none of the protocols that it is offered. */
const NO_PROTOCOL_REGEXP = /NoApplicationProtocol/;

function openClient(
  connection: Connection,
  { relay, http2 }: {
    readonly relay: Relay | undefined;
    readonly http2: boolean;
  },
): Deno.HttpClient {
  const { ca, cert, key, proxy = relay?.url } = connection;
  try {
    return Deno.createHttpClient({
      http2,
      poolIdleTimeout: IDLE_MS,
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(proxy === undefined ? {} : { proxy: { url: proxy } }),
    });
  } catch (cause) {
    throw new TransporterError(
      "no_cluster",
      "Cannot use the certificates for the API server: they need PEM, and X.509 version 3",
      { cause },
    );
  }
}

function fetchFrom(
  access: Access,
  request: ApiRequest,
  { client, signal }: {
    readonly client: Deno.HttpClient;
    readonly signal: AbortSignal;
  },
): Promise<Response> {
  const { method, accept = "application/json", contentType, body } = request;
  const { token } = access;
  return fetch(access.server + request.path, {
    method,
    // Pairs: a name that is there twice is sent twice.
    headers: [
      ["accept", accept],
      ...(token === undefined ? [] : [["authorization", `Bearer ${token}`]]),
      ...(contentType === undefined ? [] : [["content-type", contentType]]),
      ...(request.headers ?? []),
    ] as [string, string][],
    ...(body === undefined ? {} : { body }),
    signal,
    redirect: "error", // an API server sends none, and a token must not follow one
    client,
  });
}

/**
 * Sends single requests: credentials, certificates, time limits. What an
 * answer means is the business of others.
 */
export class Transport implements Disposable {
  readonly #options: TransportOptions;
  #client: Deno.HttpClient | undefined;
  #connection: Connection | undefined;
  #relay: Relay | undefined;
  /**
   * Whether HTTP/2 is offered, to a server that speaks nothing else. Requests
   * that share a connection cost it and us more CPU than those that have one to
   * themselves, and one that falls silent takes all of them along.
   */
  #http2 = false;

  /** Makes one; nothing is opened before the first request. */
  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Sends one request, and once more with new credentials if the answer is 401.
   * May be called concurrently.
   *
   * @param request What is asked.
   * @param signal Gives up.
   * @param limits `sink` takes the body of a success, which has no text then: for what would be a large one. `timeoutMs`:
   * how long it may take, if that is less than any request may.
   * @throws {NoAnswer} There was none in time.
   * @throws {TransporterError} `no_cluster` or `unauthenticated`: there are no credentials.
   */
  async send(
    request: ApiRequest,
    signal: AbortSignal,
    limits: SendLimits = {},
  ): Promise<ApiAnswer> {
    return await this.#asKnown((access) =>
      this.#exchange(request, access, { signal, ...limits })
    );
  }

  /**
   * The same, for an answer that goes on. It has to come to its end within
   * `lifeMs` milliseconds: whoever asks lets the server end it before, so that
   * a connection that fell silent is noticed.
   *
   * @returns The answer, or one that is no success.
   */
  async open(
    request: ApiRequest,
    { signal, lifeMs }: {
      readonly signal: AbortSignal;
      readonly lifeMs: number;
    },
  ): Promise<ApiStream | ApiAnswer> {
    return await this.#asKnown((access) =>
      this.#stream(request, access, { signal, lifeMs })
    );
  }

  /** Closes the connections. Idempotent. */
  [Symbol.dispose](): void {
    this.#drop();
    this.#relay?.[Symbol.dispose]();
    this.#relay = undefined;
  }

  async #asKnown<Answer extends ApiStream | ApiAnswer>(
    ask: (access: Access) => Promise<Answer>,
  ): Promise<Answer> {
    const { access } = this.#options;
    const first = await access.current();
    const answer = await ask(first);
    if (answer instanceof ApiStream || answer.status !== 401) return answer;
    return await ask(await access.current(first));
  }

  async #exchange(
    request: ApiRequest,
    access: Access,
    { signal, sink, timeoutMs = Infinity }: SendLimits & {
      readonly signal: AbortSignal;
    },
  ): Promise<ApiAnswer> {
    const { clock, requestTimeoutMs } = this.#options;
    const client = this.#clientFor(access.connection);
    const ms = Math.ceil(Math.min(requestTimeoutMs, timeoutMs));
    using limit = deadline(clock, ms, {
      reason: () => new NoAnswer(`no answer came in ${ms} ms`),
      signal,
    });
    try {
      return await answerOf(
        await fetchFrom(access, request, { client, signal: limit.signal }),
        limit.signal,
        sink,
      );
    } catch (error) {
      throw this.#explain(error, { client, signal });
    }
  }

  async #stream(
    request: ApiRequest,
    access: Access,
    { signal, lifeMs }: {
      readonly signal: AbortSignal;
      readonly lifeMs: number;
    },
  ): Promise<ApiStream | ApiAnswer> {
    const client = this.#clientFor(access.connection);
    const explain = (error: unknown) =>
      this.#explain(error, { client, signal });
    using stack = new DisposableStack();
    const limit = stack.use(deadline(this.#options.clock, lifeMs, {
      reason: new NoAnswer(`the answer did not end in ${lifeMs} ms`),
      signal,
    }));
    try {
      const response = await fetchFrom(access, request, {
        client,
        signal: limit.signal,
      });
      if (!response.ok) {
        return await answerOf(response, limit.signal);
      }
      return new ApiStream({ response, limit: stack.move(), explain });
    } catch (error) {
      throw explain(error);
    }
  }

  /** What is thrown for an error of a request: its signal's reason, or {@linkcode NoAnswer}. */
  #explain(
    error: unknown,
    { client, signal }: {
      readonly client: Deno.HttpClient;
      readonly signal: AbortSignal;
    },
  ): unknown {
    if (signal.aborted) return signal.reason;
    // The connection may be half open: the next request gets a new one.
    if (client === this.#client) this.#drop();
    if (error instanceof NoAnswer) return error;
    const cause = error instanceof Error ? error.cause ?? error : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#http2 ||= NO_PROTOCOL_REGEXP.test(why);
    return new NoAnswer(why, { cause: error });
  }

  /** Leaves the connections; what still runs over them comes to its end. */
  #drop(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #clientFor(connection: Connection): Deno.HttpClient {
    const same = connection === this.#connection ||
      JSON.stringify(connection) === JSON.stringify(this.#connection);
    if (this.#client === undefined || !same) {
      this.#drop();
      if (!same || this.#relay?.isOpen === false) {
        this.#relay?.[Symbol.dispose]();
        this.#relay = undefined;
      }
      this.#relay ??= connection.at && new Relay(connection.at);
      this.#client = openClient(connection, {
        relay: this.#relay,
        http2: this.#http2,
      });
    }
    this.#connection = connection;
    return this.#client;
  }
}
