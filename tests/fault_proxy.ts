/**
 * A proxy in front of a real API server that does to requests what networks
 * and servers do: answers with errors, cuts connections, stays silent.
 *
 * @module
 */

import { abortable } from "@transporter/sdk";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { makePki } from "../deploy/localkube/pki.ts";

/** An answer that is not the server's. */
export interface FalseAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The body; JSON unless it is text. */
  readonly body?: unknown;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What happens to a request. */
export type Fault =
  /** It is answered so, and does not reach the server. */
  | FalseAnswer
  /** It reaches the server, whose answer is lost: it is answered so. */
  | { readonly instead: FalseAnswer }
  /** It reaches the server with these headers in place of its own. */
  | { readonly requestHeaders: Readonly<Record<string, string>> }
  /** It reaches the server, and the answer ends, or falls silent, after so many lines. */
  | { readonly lines: number; readonly then: "cut" | "hang" }
  /** It reaches the server, and the first bytes of the answer come one by one, each once this has resolved, which is told how many came. */
  | { readonly slow: (sent: number) => Promise<void> }
  /** The connection ends, and it does not reach the server. */
  | "cut"
  /** It reaches the server; the connection ends before the answer. */
  | "cut_after"
  /** Nothing is answered until the proxy is closed. */
  | "hang";

/** Which requests something happens to. */
export interface FaultRule {
  /** What happens. */
  readonly fault: Fault;
  /** The method, or several; any unless given. */
  readonly method?: string | readonly string[];
  /** Matches the path with its query; any unless given. */
  readonly path?: RegExp;
  /** How many requests; one unless given. */
  readonly times?: number;
  /** How many such requests come through before. */
  readonly after?: number;
}

/** A request that came. */
export interface SeenRequest {
  /** The method. */
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  /** The bearer token. */
  readonly token: string;
  /** As whom: the headers of impersonation, in their order. */
  readonly as: readonly (readonly [name: string, value: string])[];
}

/** The server behind the proxy. */
export interface Upstream {
  /** Where it listens. */
  readonly server: URL;
  /** Its certificate authority, PEM. */
  readonly caPem: string;
}

/** See above. */
export class FaultProxy implements AsyncDisposable {
  /** Every request that came, in order. */
  readonly seen: SeenRequest[] = [];
  /** Called when a request has come; what happens to it goes before every rule. */
  onRequest:
    | ((
      request: SeenRequest,
    ) => Fault | undefined | Promise<Fault | undefined>)
    | undefined;
  /** The certificate authority of the proxy, PEM. */
  readonly caPem: string;
  #upstream: Upstream;
  readonly #server: Server;
  #client: Deno.HttpClient;
  readonly #rules: {
    readonly rule: FaultRule;
    before: number;
    left: number;
  }[] = [];
  readonly #running = new Set<Promise<void>>();

  /**
   * Starts a proxy on a free port of 127.0.0.1.
   *
   * @param upstream The server.
   * @param at Another address of this machine; then it listens on all of them, and its certificate has this one, too.
   */
  static async open(upstream: Upstream, at?: string): Promise<FaultProxy> {
    const { ca, server } = await makePki(at === undefined ? [] : [at]);
    const hostname = at === undefined ? "127.0.0.1" : "0.0.0.0";
    const proxy = new FaultProxy(upstream, {
      caPem: ca.certPem,
      server: createServer({ key: server.keyPem, cert: server.certPem }),
    });
    await new Promise<void>((resolve) =>
      proxy.#server.listen(0, hostname, resolve)
    );
    return proxy;
  }

  /** For {@linkcode FaultProxy.open}, which makes the server listen. */
  constructor(
    upstream: Upstream,
    { caPem, server }: { readonly caPem: string; readonly server: Server },
  ) {
    this.#upstream = upstream;
    this.caPem = caPem;
    this.#client = Deno.createHttpClient({ caCerts: [upstream.caPem] });
    this.#server = server.on("request", (request, response) => {
      const running = this.#serve(request, response);
      this.#running.add(running);
      running.finally(() => this.#running.delete(running));
    });
  }

  /** Where it listens. */
  get server(): URL {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new TypeError("The proxy does not listen");
    }
    return new URL(`https://127.0.0.1:${address.port}`);
  }

  /** Lets something happen to requests that come from now on; the first rule that matches counts. */
  inject(rule: FaultRule): void {
    const { times = 1, after = 0 } = rule;
    this.#rules.push({ rule, before: after, left: times });
  }

  /** Ends every rule. */
  heal(): void {
    this.#rules.length = 0;
  }

  /** Puts another server behind it, for requests that come from now on. */
  lead(upstream: Upstream): void {
    this.#client.close();
    this.#upstream = upstream;
    this.#client = Deno.createHttpClient({ caCerts: [upstream.caPem] });
  }

  /** Ends it, also what hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await Promise.all(this.#running);
    this.#client.close();
  }

  #faultFor(method: string, path: string): Fault | undefined {
    const found = this.#rules.find(({ rule, left }) =>
      left > 0 && [rule.method ?? method].flat().includes(method) &&
      (rule.path?.test(path) ?? true)
    );
    if (found === undefined || found.before-- > 0) return undefined;
    found.left--;
    return found.rule.fault;
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method = "", url: path = "", headers } = request;
    const token = headers.authorization?.replace(/^Bearer /, "") ?? "";
    const as = Object.entries(request.headersDistinct)
      .filter(([name]) => name.startsWith("impersonate-"))
      .flatMap(([name, values = []]) =>
        values.map((value) => [name, value] as const)
      );
    const seen = { method, path, token, as };
    this.seen.push(seen);
    const body = await readBody(request);
    if (body === undefined) return;
    const fault = await this.onRequest?.(seen) ??
      this.#faultFor(method, path);
    if (fault === "hang") return;
    if (fault === "cut") {
      response.destroy();
      return;
    }
    if (typeof fault === "object" && "status" in fault) {
      answer(response, fault);
      return;
    }
    const changed = typeof fault === "object" && "requestHeaders" in fault
      ? fault.requestHeaders
      : {};
    const part = typeof fault === "object" && "lines" in fault
      ? fault
      : undefined;
    await this.#forward(
      { method, path, headers: { ...headers, ...changed }, as, body },
      {
        response,
        lost: fault === "cut_after"
          ? () => response.destroy()
          : typeof fault === "object" && "instead" in fault
          ? () => answer(response, fault.instead)
          : undefined,
        part,
        slow: typeof fault === "object" && "slow" in fault
          ? fault.slow
          : undefined,
      },
    );
  }

  async #forward(
    request: {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, unknown>>;
      readonly as: SeenRequest["as"];
      readonly body: Uint8Array;
    },
    { response, lost, part, slow }: {
      readonly response: ServerResponse;
      readonly lost: (() => void) | undefined;
      readonly slow: ((sent: number) => Promise<void>) | undefined;
      readonly part: Extract<Fault, { readonly lines: number }> | undefined;
    },
  ): Promise<void> {
    const { method, path, body } = request;
    const headers = new Headers();
    for (const name of ["authorization", "accept", "content-type"]) {
      const value = request.headers[name];
      if (typeof value === "string") headers.set(name, value);
    }
    const pairs: [string, string][] = [
      ...headers,
      ...request.as.map(([name, value]): [string, string] => [name, value]),
    ];
    const left = new AbortController();
    response.on("close", () => left.abort());
    try {
      const answer = await fetch(new URL(path, this.#upstream.server), {
        method,
        headers: pairs,
        ...(body.length === 0 ? {} : { body: body as BodyInit }),
        client: this.#client,
        signal: left.signal,
      });
      if (lost) {
        await answer.text();
        lost();
        return;
      }
      const passed = [...answer.headers].filter(([name]) =>
        !/^(content-length|content-encoding|transfer-encoding|connection)$/
          .test(name)
      );
      response.writeHead(answer.status, Object.fromEntries(passed));
      response.flushHeaders(); // of a watch they come long before its first line
      let lines = part?.lines ?? Infinity;
      const chunks = slow === undefined
        ? answer.body ?? []
        : byteByByte(answer.body ?? [], { slow, signal: left.signal });
      for await (const chunk of chunks) {
        const end = endOfLine(chunk, lines);
        // Deno does not call back for a write that its connection did not survive.
        await abortable(
          new Promise((resolve) =>
            response.write(chunk.subarray(0, end.at), resolve)
          ),
          left.signal,
        );
        lines = end.left;
        if (lines <= 0) break;
      }
      if (lines > 0) response.end();
      else if (part?.then === "cut") response.destroy();
    } catch (error) {
      if (!left.signal.aborted) throw error; // else whoever asked has left
    }
  }
}

/** Answers a request in the server's place. */
function answer(
  response: ServerResponse,
  { status, body = {}, headers }: FalseAnswer,
): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...headers,
  });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** So many bytes come one by one; more would take tests long and show nothing else. */
const SLOW_BYTES = 64;

/** The first bytes one by one; throws when whoever asked has left. */
async function* byteByByte(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { slow, signal }: {
    readonly slow: (sent: number) => Promise<void>;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of chunks) {
    let at = 0;
    for (; at < chunk.length && sent < SLOW_BYTES; at++) {
      await abortable(slow(sent++), signal);
      yield chunk.subarray(at, at + 1);
    }
    if (at < chunk.length) yield chunk.subarray(at);
  }
}

/** The body of a request; `undefined` when whoever asked has left. */
async function readBody(
  request: IncomingMessage,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch (error) {
    if (request.destroyed) return undefined;
    throw error;
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** Where so many lines end in a chunk, and how many are left when they do not. */
function endOfLine(
  chunk: Uint8Array,
  lines: number,
): { readonly at: number; readonly left: number } {
  let at = 0;
  for (let left = lines; left > 0; left--) {
    const next = chunk.indexOf(10, at);
    if (next < 0) return { at: chunk.length, left };
    at = next + 1;
  }
  return { at, left: 0 };
}

/** What the API server says when it refuses. */
export function status(
  code: number,
  message: string,
  rest: Readonly<Record<string, unknown>> = {},
): Fault {
  return {
    status: code,
    body: {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      message,
      code,
      ...rest,
    },
  };
}
