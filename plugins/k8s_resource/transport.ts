import { type Clock, deadline, TransporterError } from "@transporter/sdk";
import type { Access, AccessSource, Connection } from "./access.ts";

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
}

/** What the API server answered. */
export interface ApiAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
}

/** Why there was no answer: nobody there, a cut connection, silence. Whether the request was done is unknown. */
export class NoAnswer extends Error {
  /** Makes one. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoAnswer";
  }
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

/** Bytes of an answer: more than any object can have, so that a broken server cannot fill the memory. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

function openClient(connection: Connection): Deno.HttpClient {
  const { ca, cert, key, proxy } = connection;
  try {
    return Deno.createHttpClient({
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

/** Whether the answer says that it is short; what is unpacked on the way can be longer than it says. */
function isShort({ headers }: Response): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= ANSWER_BYTES_MAX &&
    !headers.has("content-encoding");
}

async function readText(response: Response): Promise<string> {
  if (isShort(response)) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new NoAnswer(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Sends single requests: credentials, certificates, time limits. What an
 * answer means is the business of others.
 */
export class Transport implements Disposable {
  readonly #options: TransportOptions;
  #client: Deno.HttpClient | undefined;
  #connection: Connection | undefined;

  /** Made once: an error takes its stack, which is dear. */
  readonly #late: NoAnswer;

  /** Makes one; nothing is opened before the first request. */
  constructor(options: TransportOptions) {
    this.#options = options;
    this.#late = new NoAnswer(
      `no answer came in ${options.requestTimeoutMs} ms`,
    );
  }

  /**
   * Sends one request, and once more with new credentials if the answer is 401.
   * May be called concurrently.
   *
   * @throws {NoAnswer} There was none in time.
   * @throws {TransporterError} `no_cluster` or `unauthenticated`: there are no credentials.
   */
  async send(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    const { access } = this.#options;
    const first = await access.current();
    const answer = await this.#exchange(request, first, signal);
    if (answer.status !== 401) return answer;
    return await this.#exchange(request, await access.current(first), signal);
  }

  /** Closes the connections. Idempotent. */
  [Symbol.dispose](): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #exchange(
    request: ApiRequest,
    access: Access,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    const { clock, requestTimeoutMs } = this.#options;
    const client = this.#clientFor(access.connection);
    using limit = deadline(clock, requestTimeoutMs, {
      reason: this.#late,
      signal,
    });
    try {
      const response = await fetch(access.server + request.path, {
        method: request.method,
        headers: {
          accept: request.accept ?? "application/json",
          ...(access.token === undefined
            ? {}
            : { authorization: `Bearer ${access.token}` }),
          ...(request.contentType === undefined
            ? {}
            : { "content-type": request.contentType }),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: limit.signal,
        redirect: "error", // an API server sends none, and a token must not follow one
        client,
      });
      return {
        status: response.status,
        headers: response.headers,
        text: await readText(response),
      };
    } catch (error) {
      signal.throwIfAborted();
      // The connection may be half open: the next request gets a new one.
      if (client === this.#client) this[Symbol.dispose]();
      if (error instanceof NoAnswer) throw error;
      const cause = error instanceof Error ? error.cause ?? error : error;
      throw new NoAnswer(
        cause instanceof Error ? cause.message : String(cause),
        { cause: error },
      );
    }
  }

  #clientFor(connection: Connection): Deno.HttpClient {
    const same = connection === this.#connection ||
      JSON.stringify(connection) === JSON.stringify(this.#connection);
    if (this.#client === undefined || !same) {
      this[Symbol.dispose]();
      this.#client = openClient(connection);
    }
    this.#connection = connection;
    return this.#client;
  }
}
