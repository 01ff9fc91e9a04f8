/** A request that a {@linkcode ScriptedServer} got. */
export interface Seen {
  /** Method and path: `GET /v2/events`. */
  readonly route: string;
  /** The query. */
  readonly query: URLSearchParams;
  /** The headers. */
  readonly headers: Headers;
  /** The body, parsed; `undefined` without one. */
  readonly body: unknown;
}

/** Makes an answer; a plain value is sent as JSON with status 200. */
export type Answer = (request: Seen) => unknown;

/** A real HTTP server whose answers a test has written down. */
export class ScriptedServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #answers = new Map<string, Answer[]>();
  /** What it was asked, in order. */
  readonly requests: Seen[] = [];

  /** Starts it on a free port. */
  constructor() {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.#serve(request),
    );
  }

  /** Where it is. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** What it was asked on one route. */
  asked(route: string): readonly Seen[] {
    return this.requests.filter((each) => each.route === route);
  }

  /** Writes down the answers of a route, one after the other; the last stays. */
  on(route: string, ...answers: readonly Answer[]): this {
    this.#answers.set(route, [...answers]);
    return this;
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const text = await request.text();
    const seen: Seen = {
      route: `${request.method} ${url.pathname}`,
      query: url.searchParams,
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    const answers = this.#answers.get(seen.route) ?? [notThere];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const value = await answer?.(seen);
    return value instanceof Response ? value : Response.json(value);
  }

  /** Stops it; what is under way is cut. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function notThere({ route }: Seen): Response {
  return problem(404, "not_found", `Cannot find "${route}"`);
}

/** An error as a control plane answers it. */
export function problem(
  status: number,
  code: string,
  message: string,
  options: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly details?: Readonly<Record<string, unknown>>;
  } = {},
): Response {
  const { headers = {}, details } = options;
  return Response.json(
    { code, message, ...(details === undefined ? {} : { details }) },
    {
      status,
      headers: { ...headers, "content-type": "application/problem+json" },
    },
  );
}

/** A stream of server-sent events that a test feeds; each connection is one answer. */
export class ScriptedStream {
  #connected = Promise.withResolvers<void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** The answer of the route; put it in `on()`. */
  readonly answer: Answer = () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        controller.enqueue(encoder.encode("event: ready\ndata: {}\n\n"));
        this.#connected.resolve();
      },
      cancel: () => {
        this.#controller = undefined;
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream" },
    });
  };

  /** Resolves once somebody listens. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** Sends something, once somebody listens. */
  async send(name: string, data: unknown, id: string): Promise<void> {
    await this.#connected.promise;
    const text = `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#controller?.enqueue(encoder.encode(text));
  }

  /** Ends the connection; the next one begins anew. */
  async end(): Promise<void> {
    await this.#connected.promise;
    this.#connected = Promise.withResolvers<void>();
    this.#controller?.close();
    this.#controller = undefined;
  }
}

const encoder = new TextEncoder();
