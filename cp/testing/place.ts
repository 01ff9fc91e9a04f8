import {
  type EventKind,
  jsonLogger,
  type JsonLoggerOptions,
  systemClock,
} from "@transporter/sdk";
import type { ProblemBody } from "@transporter/sdk";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { openMemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { ControlPlane, type ControlPlaneOptions } from "../control_plane.ts";
import { ScriptedAgent } from "./scripted_agent.ts";
import { registration } from "./world.ts";

/** A control plane of a test, over real HTTP. */
export interface Place extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  /** Its store. */
  readonly store: Store;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What was logged, as parsed lines. */
  readonly lines: readonly Record<string, unknown>[];
  /** Asks for a path; a value as body is sent as JSON. */
  ask(path: string, options?: AskOptions): Promise<Answer>;
  /** Talks bytes. */
  raw(): RawClient;
  /** Connects agent `edge-1` of version 2, over a real socket; it is welcome, and does as told. */
  connect(): Promise<ScriptedAgent>;
  /** Makes agents known that are not connected. */
  know(...agents: readonly string[]): Promise<void>;
}

/** Options of {@linkcode Place.ask}. */
export interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** A text is sent as it is. */
  readonly body?: unknown;
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, typed as the platform types it. */
  readonly json: Awaited<ReturnType<Response["json"]>>;
}

/** A kind that takes any payload but `{"bad": true}`. */
export const KIND: EventKind = {
  type: "k8s_resource",
  check: () => Promise.resolve(),
  repeatable: () => true,
};

/** Opens a control plane without a disk on a free port. */
export async function openPlace(
  options: Partial<ControlPlaneOptions> = {},
): Promise<Place> {
  const lines: Record<string, unknown>[] = [];
  const logging: JsonLoggerOptions = {
    write: (line) => lines.push(JSON.parse(line)),
    clock: systemClock,
    level: "debug",
  };
  const store = options.store ?? openMemoryStore();
  const controlPlane = await ControlPlane.open({
    store,
    kinds: [KIND],
    log: jsonLogger(logging),
    ...options,
    config: {
      listen: "127.0.0.1:0",
      store: "memory:",
      dev: true,
      ...options.config,
    },
  });
  const { url } = controlPlane;
  const { host, port } = new URL(url);
  return {
    controlPlane,
    store,
    url,
    host,
    port: Number(port),
    lines,
    async ask(path, { method = "GET", headers = {}, body } = {}) {
      const text = body === undefined || typeof body === "string"
        ? body
        : JSON.stringify(body);
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(typeof body === "object"
            ? { "content-type": "application/json" }
            : {}),
          ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
      });
      return answerOf(response.status, response.headers, await response.text());
    },
    raw: () => new RawClient(Number(port)),
    async [Symbol.asyncDispose]() {
      await controlPlane.close();
      await store[Symbol.asyncDispose]();
    },
    async connect() {
      const wire = await dialWebSocket(
        new URL(`${url.replace("http", "ws")}/ws`),
        { signal: new AbortController().signal, frameBytesMax: 2 ** 20 },
      );
      const agent = new ScriptedAgent(wire);
      await agent.send(registration());
      await agent.nextOf("welcome");
      return agent;
    },
    async know(...agents) {
      for (const id of agents) {
        await store.openSession("default", {
          registration: {
            type: "registration",
            id,
            name: `Agent ${id}`,
            cluster_name: "c",
            version: "0.1.0",
            capabilities: ["k8s_crud"],
            labels: { zone: "z1" },
          },
          linkVersion: 1,
          executors: [],
          newEpoch: "e",
          at: systemClock.now(),
        });
      }
    },
  };
}

function answerOf(status: number, headers: Headers, text: string): Answer {
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** Checks that an answer is a problem with a code, and that all its parts agree. */
export function isProblem(
  answer: Answer,
  status: number,
  code: string,
): ProblemBody {
  const body: ProblemBody = answer.json;
  deepStrictEqual([answer.status, body.code], [status, code], answer.text);
  strictEqual(answer.headers.get("content-type"), "application/problem+json");
  strictEqual(answer.headers.get("transporter-mode"), "dev");
  strictEqual(body.status, status);
  strictEqual(body.type, `urn:transporter:error:${code}`);
  strictEqual(body.detail, body.message);
  ok(body.title.length > 0);
  ok(!/[.!]$/.test(body.message), body.message);
  return body;
}

/** An event that can be accepted. */
export function event(
  id: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    id,
    type: "k8s_resource",
    target_agent: "edge-1",
    payload: { manifests: ["a: 1"] },
    ...more,
  };
}

/** A connection that sends bytes as told, and reads what comes. */
export class RawClient {
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  #text = "";
  #closed = false;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    this.#socket.on("error", () => {}); // a close follows
    this.#socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** All that came. */
  get text(): string {
    return this.#text;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  send(text: string | Uint8Array): void {
    if (!this.#closed) this.#socket.write(text);
  }

  /** Sends nothing more. */
  end(): void {
    if (!this.#closed) this.#socket.end();
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Waits until what came has something, or the connection is closed. */
  async until(wanted: (text: string) => boolean): Promise<string> {
    while (!wanted(this.#text) && !this.#closed) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    ok(
      wanted(this.#text),
      `connection was closed after: ${this.#text.slice(0, 2000)}`,
    );
    return this.#text;
  }

  /** Waits until the far end closes. */
  async closed(): Promise<string> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return this.#text;
  }

  /** Waits for a whole answer with a length, and takes it away. */
  async answer(): Promise<Answer> {
    const rest = await this.until((text) =>
      lengthOf(text) !== undefined && text.length >= (lengthOf(text) ?? 0)
    );
    const end = lengthOf(rest) ?? 0;
    this.#text = rest.slice(end);
    const [head = "", ...body] = rest.slice(0, end).split("\r\n\r\n");
    const [first = "", ...fields] = head.split("\r\n");
    const headers = new Headers(fields.map((field) => {
      const at = field.indexOf(":");
      return [field.slice(0, at), field.slice(at + 1).trim()] as [
        string,
        string,
      ];
    }));
    return answerOf(
      Number(first.split(" ")[1]),
      headers,
      body.join("\r\n\r\n"),
    );
  }
}

/** How long the first answer is, once its headers are there. */
function lengthOf(text: string): number | undefined {
  const at = text.indexOf("\r\n\r\n");
  if (at === -1) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, at))?.[1];
  return at + 4 + Number(length ?? 0);
}
