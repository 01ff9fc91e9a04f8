/**
 * A real NATS server for one test, with JetStream: on a free port, in a folder
 * of its own, and killed and started again as a test wants it.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";
import { join } from "node:path";
import { userCacheDir } from "../../deploy/localkube/mod.ts";
import { type Component, Processes } from "../../deploy/localkube/processes.ts";
import { findOrBuildNats } from "./build.ts";

/** Options of {@linkcode NatsServer.start}. */
export interface NatsServerOptions {
  /** More of its configuration, in the words of its own file: `authorization { token: "s3cret" }`. */
  readonly config?: string;
  /** Files of a certificate for `127.0.0.1`; with `ca`, clients need one of that authority too. */
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    readonly ca?: string;
  };
  /** Whether it has JetStream; it has, unless this is `false`. */
  readonly jetstream?: boolean;
  /** Whether it also listens for WebSockets, without TLS. */
  readonly websocket?: boolean;
}

/** Between two looks whether it listens, in milliseconds. */
const POLL_MS = 10;

/** Where a server listens. */
export interface Ports {
  /** For clients. */
  readonly nats: number;
  /** For WebSockets, if it takes those. */
  readonly websocket: number | undefined;
}

/**
 * Writes the configuration of a server.
 *
 * @param dir Where it keeps everything.
 * @param options What it is to have; without ports, it takes free ones.
 */
export function natsConfig(
  dir: string,
  { config = "", jetstream = true, tls, websocket, ports }:
    & NatsServerOptions
    & { readonly ports: Ports | undefined },
): string {
  return [
    "host: 127.0.0.1",
    `port: ${ports?.nats ?? -1}`,
    `ports_file_dir: "${dir}"`,
    "max_payload: 1MB",
    ...(jetstream
      ? [`jetstream { store_dir: "${dir}/jetstream", sync_interval: always }`]
      : []),
    ...(websocket
      ? [
        `websocket { host: 127.0.0.1, port: ${
          ports?.websocket ?? -1
        }, no_tls: true }`,
      ]
      : []),
    ...(tls === undefined ? [] : [
      `tls { cert_file: "${tls.cert}", key_file: "${tls.key}"${
        tls.ca === undefined ? "" : `, ca_file: "${tls.ca}", verify: true`
      } }`,
    ]),
    config,
    "",
  ].join("\n");
}

/** A NATS server as a process of its own. */
export class NatsServer implements AsyncDisposable {
  readonly #processes: Processes;
  readonly #program: string;
  readonly #options: NatsServerOptions;
  #running: Component | undefined;
  #ports: Ports | undefined;

  private constructor(
    processes: Processes,
    program: string,
    options: NatsServerOptions,
  ) {
    this.#processes = processes;
    this.#program = program;
    this.#options = options;
  }

  /**
   * Starts one, and waits until it serves.
   *
   * @throws {TransporterError} `unavailable` when it cannot be built or does not start.
   */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const program = await findOrBuildNats({
      cacheDir: userCacheDir((name) => Deno.env.get(name)),
    });
    const server = new NatsServer(await Processes.open(), program, options);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where it is reached: `nats://127.0.0.1:40123`, or `tls://…`. */
  get url(): string {
    const scheme = this.#options.tls === undefined ? "nats" : "tls";
    return `${scheme}://${this.host}`;
  }

  /** The same without a scheme. */
  get host(): string {
    return `127.0.0.1:${this.#ports?.nats}`;
  }

  /** Where it takes WebSockets: `ws://127.0.0.1:40124`. */
  get websocketUrl(): string {
    return `ws://127.0.0.1:${this.#ports?.websocket}`;
  }

  /** The process; `undefined` while it is down. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** The last lines of its log. */
  log(): Promise<string> {
    return this.#processes.log("nats-server");
  }

  /** Sends it a signal, such as `SIGSTOP` and `SIGCONT`. */
  signal(name: Deno.Signal): void {
    if (this.#running !== undefined) Deno.kill(this.#running.pid, name);
  }

  /** Kills it as a power cut would, and waits for its end. */
  async crash(): Promise<void> {
    if (this.#running === undefined) return;
    await this.#processes.end(this.#running);
    this.#running = undefined;
  }

  /** Starts it on the port and with the data of before, and waits until it serves. */
  async restart(): Promise<void> {
    await this.crash();
    const { dir } = this.#processes;
    const path = join(dir, "nats.conf");
    await Deno.writeTextFile(
      path,
      natsConfig(dir, { ...this.#options, ports: this.#ports }),
    );
    const running = await this.#processes.start("nats-server", [
      this.#program,
      "-c",
      path,
    ]);
    this.#running = running;
    this.#ports = await this.#listening(running);
  }

  /** It writes its ports to a file as soon as it serves them all. */
  async #listening({ pid, ended }: Component): Promise<Ports> {
    const path = join(this.#processes.dir, `nats-server_${pid}.ports`);
    let over = false;
    ended.then(() => over = true);
    while (true) {
      const text = await Deno.readTextFile(path).catch((error) => {
        if (error instanceof Deno.errors.NotFound) return "";
        throw error;
      });
      if (text.endsWith("}")) {
        const urls: Readonly<Record<string, readonly string[]>> = JSON.parse(
          text,
        );
        const [nats = ""] = urls["nats"] ?? [];
        const [websocket] = urls["websocket"] ?? [];
        await Deno.remove(path);
        return {
          nats: portOf(nats),
          websocket: websocket === undefined ? undefined : portOf(websocket),
        };
      }
      if (over) {
        this.#running = undefined;
        throw new TransporterError(
          "unavailable",
          `Cannot start nats-server, its log ends with: ${await this.log()}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Ends it, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes.stop();
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
