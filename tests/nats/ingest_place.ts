/**
 * A control plane as a process of its own that takes events from a real NATS
 * server, for tests: both are killed and started again as a test wants it.
 *
 * @module
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { isRecord, parseJson } from "@transporter/sdk";
import { openNatsPublisher } from "@transporter/sdk/nats-ingest";
import { until } from "../until.ts";
import { Program } from "../program.ts";
import { NatsServer, type NatsServerOptions } from "./server.ts";

/** The streams of the default tenant. */
export const EVENTS = "TP_default_EVENTS";
export const QUARANTINE = "TP_default_QUARANTINE";

/** What a server said about a refused message. */
export interface Refused {
  readonly text: string;
  readonly code: string;
  readonly message: string;
}

/** A server, and a control plane beside it. */
export class IngestPlace implements AsyncDisposable {
  readonly server: NatsServer;
  readonly #dir: string;
  #cp: Program | undefined;
  #url = "";

  private constructor(server: NatsServer, dir: string) {
    this.server = server;
    this.#dir = dir;
  }

  /** Starts a server; the control plane is started by itself. */
  static async open(options: NatsServerOptions = {}): Promise<IngestPlace> {
    const server = await NatsServer.start(options);
    return new IngestPlace(server, await Deno.makeTempDir());
  }

  /** Starts the control plane on what it left, and waits until it is ready. */
  async start(
    { ingest = this.server.url, args = [], ready = true }: {
      readonly ingest?: string;
      readonly args?: readonly string[];
      readonly ready?: boolean;
    } = {},
  ): Promise<void> {
    const cp = Program.start([
      "cp",
      "--dev",
      "--listen",
      "127.0.0.1:0",
      "--data-dir",
      this.#dir,
      "--ingest",
      ingest,
      ...args,
    ]);
    this.#cp = cp;
    const [, url = ""] = await cp.line(
      /Control plane listens.*"url":"([^"]+)"/,
    );
    this.#url = url;
    if (!ready) return;
    await until(async () => (await this.ask("/readyz")).status === 200);
  }

  /** Sends the control plane a signal, and waits for its end. */
  async end(signal: Deno.Signal): Promise<void> {
    this.#cp?.kill(signal);
    await this.#cp?.status();
    this.#cp = undefined;
  }

  /** What the control plane has said. */
  get output(): string {
    return this.#cp?.output ?? "";
  }

  /** Where the control plane is. */
  get url(): string {
    return this.#url;
  }

  /** Asks the control plane. */
  async ask(
    path: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(this.#url + path);
    return { status: response.status, text: await response.text() };
  }

  /** A figure of the control plane; 0 when it has none yet. */
  async figure(name: string): Promise<number> {
    const { text } = await this.ask("/metrics");
    const line = text.split("\n").find((each) => each.startsWith(name));
    return Number(line?.split(" ").at(-1) ?? 0);
  }

  /** Every event that the control plane has. */
  async events(): Promise<readonly Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    for (let cursor = "";;) {
      const { text } = await this.ask(`/v2/events?limit=500${cursor}`);
      const page = parseJson(text);
      if (!isRecord(page) || !Array.isArray(page["items"])) {
        throw new TypeError(text);
      }
      found.push(...page["items"]);
      if (typeof page["next_cursor"] !== "string") return found;
      cursor = `&cursor=${page["next_cursor"]}`;
    }
  }

  /** Publishes texts as a program does that knows nothing of us but the subject. */
  async publish(
    texts: readonly string[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { signal } = new AbortController();
    const tenant = "default";
    await using publisher = await openNatsPublisher(new URL(this.server.url), {
      signal,
      tenant,
    });
    for (const [i, text] of texts.entries()) {
      const data = new TextEncoder().encode(text);
      // No id of an event: what it is called by is the broker's matter.
      const id = `${crypto.randomUUID()}/${i}`;
      await publisher.publish({ id, headers, data });
    }
  }

  /** Does something with a connection of its own. */
  async with<T>(
    use: (
      manager: JetStreamManager,
      connection: NatsConnection,
    ) => Promise<T>,
  ): Promise<T> {
    const connection = await connect({ servers: this.server.host });
    try {
      return await use(await jetstreamManager(connection), connection);
    } finally {
      await connection.close();
    }
  }

  /** How many messages a stream has. */
  async count(stream: string): Promise<number> {
    return await this.with(async (manager) =>
      (await manager.streams.info(stream)).state.messages
    );
  }

  /** What is in the quarantine. */
  async refused(): Promise<readonly Refused[]> {
    return await this.with(async (manager) => {
      const { state } = await manager.streams.info(QUARANTINE);
      const found: Refused[] = [];
      if (state.messages === 0) return found;
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(QUARANTINE, { seq });
        if (message === null) throw new RangeError(`No message ${seq}`);
        found.push({
          text: new TextDecoder().decode(message.data),
          code: message.header.get("Transporter-Code"),
          message: message.header.get("Transporter-Message"),
        });
      }
      return found;
    });
  }

  /** Kills both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.#dir, { recursive: true });
  }
}
