/**
 * A real Redis server for one test: on ports and in a folder of its own, killed
 * and paused by real signals, and started again on what it left.
 *
 * @module
 */
import { TransporterError } from "@transporter/sdk";
import { join } from "node:path";
import { makePki } from "../../deploy/localkube/pki.ts";
import { Program } from "../program.ts";

/** Options of {@linkcode startRedis}. */
export interface RedisOptions {
  /** When what was written is on the disk; `off` keeps everything in memory. By default `always`. */
  readonly appendfsync?: "always" | "everysec" | "no" | "off";
  /** A user that is asked for, with all rights; without one anybody may do anything. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Also listens with TLS. */
  readonly tls?: boolean;
  /** More lines of its configuration, such as `maxmemory 20mb`. */
  readonly config?: readonly string[];
}

/** How often a port is chosen that somebody else takes in between. */
const TRIES_MAX = 5;

/** Whether there is a Redis server on this machine. */
export async function hasRedis(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("redis-server", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Starts a server with nothing in it; its folder goes with it.
 *
 * @throws {TransporterError} `unavailable` when Redis is not installed.
 */
export async function startRedis(
  options: RedisOptions = {},
): Promise<RedisServer> {
  if (!await hasRedis()) {
    throw new TransporterError(
      "unavailable",
      'Cannot test with Redis as there is no "redis-server": install it (Debian: apt-get install redis-server), or go --without redis',
    );
  }
  const dir = await Deno.makeTempDir({ prefix: "transporter-redis-" });
  try {
    if (options.tls) await writeCertificates(dir);
    for (let tries = 1;; tries++) {
      const server = new RedisServer(dir, options, freePort(), freePort());
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.kill("SIGKILL");
        if (tries === TRIES_MAX || !/in use/i.test(String(error))) throw error;
      }
    }
  } catch (error) {
    await Deno.remove(dir, { recursive: true });
    throw error;
  }
}

/** A Redis server; made by {@linkcode startRedis}. */
export class RedisServer implements AsyncDisposable {
  /** Its folder: what it keeps, its socket, its certificates. */
  readonly dir: string;
  /** Where it listens without TLS. */
  readonly port: number;
  /** Where it listens with TLS, if it does. */
  readonly tlsPort: number;
  readonly #options: RedisOptions;
  #process: Program | undefined;

  /** Made by {@linkcode startRedis}. */
  constructor(
    dir: string,
    options: RedisOptions,
    port: number,
    tlsPort: number,
  ) {
    this.dir = dir;
    this.port = port;
    this.tlsPort = tlsPort;
    this.#options = options;
  }

  /** Names it, with its user and password. */
  get url(): string {
    return `redis://${this.#credentials}127.0.0.1:${this.port}`;
  }

  /** Names it where it speaks TLS; {@linkcode caFile} says whom to trust. */
  get tlsUrl(): string {
    return `rediss://${this.#credentials}127.0.0.1:${this.tlsPort}`;
  }

  /** The certificate of who signed its certificate. */
  get caFile(): string {
    return join(this.dir, "ca.pem");
  }

  /** Its Unix socket. */
  get socket(): string {
    return join(this.dir, "redis.sock");
  }

  /** The process. */
  get pid(): number {
    return this.#running.pid;
  }

  /** What it has printed since its last start. */
  get output(): string {
    return this.#running.output;
  }

  /** Starts it, on what it left when it ended; returns when it answers. */
  async start(): Promise<void> {
    const file = join(this.dir, "redis.conf");
    await Deno.writeTextFile(file, this.#config(), { mode: 0o600 });
    this.#process = new Program(
      new Deno.Command("redis-server", {
        args: [file],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    await this.#process.line(/Ready to accept connections/);
  }

  /** Sends a signal; with one that ends it, waits until it has ended. */
  async kill(signal: Deno.Signal): Promise<void> {
    this.#running.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") {
      await this.#running.status();
    }
  }

  /** Waits until it has ended. */
  async ended(): Promise<void> {
    await this.#running.status();
  }

  /** Asks something, such as `"CONFIG", "SET", "appendfsync", "no"`; returns what the server prints. */
  async ask(...words: readonly string[]): Promise<string> {
    const { user } = this.#options;
    const { success, stdout, stderr } = await new Deno.Command("redis-cli", {
      args: ["-e", "-s", this.socket, ...words],
      env: user ? { REDISCLI_AUTH: user.password } : {},
      stdin: "null",
    }).output();
    const [out = "", err = ""] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes).trimEnd()
    );
    if (!success) {
      throw new Error(`Cannot ask Redis for "${words.join(" ")}": ${err}`);
    }
    return out;
  }

  /** Ends it, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }

  get #running(): Program {
    if (!this.#process) throw new Error("Cannot use Redis as it never ran");
    return this.#process;
  }

  get #credentials(): string {
    const { user } = this.#options;
    if (!user) return "";
    return `${user.name}:${encodeURIComponent(user.password)}@`;
  }

  #config(): string {
    const { appendfsync = "always", user, tls, config = [] } = this.#options;
    const [name, password] = [user?.name, user?.password];
    return [
      "bind 127.0.0.1",
      `port ${this.port}`,
      `dir ${this.dir}`,
      `unixsocket ${this.socket}`,
      'save ""',
      "enable-debug-command local",
      ...(appendfsync === "off"
        ? ["appendonly no"]
        : ["appendonly yes", `appendfsync ${appendfsync}`]),
      // What tests ask is asked by the user that everybody is without a name.
      ...(user
        ? [
          `user ${name} on >${password} ~* &* +@all`,
          `user default on >${password} ~* &* +@all`,
        ]
        : []),
      ...(tls
        ? [
          `tls-port ${this.tlsPort}`,
          `tls-cert-file ${join(this.dir, "server.pem")}`,
          `tls-key-file ${join(this.dir, "server.key")}`,
          `tls-ca-cert-file ${this.caFile}`,
          "tls-auth-clients no",
        ]
        : []),
      ...config,
      "",
    ].join("\n");
  }
}

async function writeCertificates(dir: string): Promise<void> {
  const { ca, server } = await makePki();
  await Deno.writeTextFile(join(dir, "ca.pem"), ca.certPem);
  await Deno.writeTextFile(join(dir, "server.pem"), server.certPem);
  const key = join(dir, "server.key");
  await Deno.writeTextFile(key, server.keyPem, { mode: 0o600 });
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
