/**
 * How safe what Redis has written is, looked at again and again, as anybody may
 * change that while it runs.
 *
 * @module
 */
import {
  type Clock,
  type Durability,
  TransporterError,
} from "@transporter/sdk";
import type { RedisConnection } from "./redis_connection.ts";
import { redisError } from "./redis_error.ts";
import { words } from "./redis_rows.ts";

/** Milliseconds between two looks. */
const LOOK_MS = 1000;

/** From the weakest on. */
const ORDER: readonly Durability[] = ["memory", "everysec", "fsync"];

/** What a look finds. */
export interface Safety {
  /** What "written" means. */
  readonly durability: Durability;
  /** Which setting of Redis says so, such as `appendfsync no`. */
  readonly because: string;
  /** Why events may vanish from it, if they may. */
  readonly evicts?: string;
}

/** Options of {@linkcode RedisGuard.start}. */
export interface RedisGuardOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** How many replicas have to have what counts as written. */
  readonly replicas: number;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** Looks at Redis' settings about once a second. */
export class RedisGuard implements AsyncDisposable {
  readonly #options: RedisGuardOptions;
  /** What it was at first: less than that is a fault. */
  readonly #first: Safety;
  readonly #stop = new AbortController();
  readonly #looking: Promise<void>;
  #last: Safety;

  /**
   * Looks for the first time, and goes on looking.
   *
   * @throws {TransporterError} `store_unavailable` when Redis may throw away what it keeps.
   */
  static async start(options: RedisGuardOptions): Promise<RedisGuard> {
    const safety = await look(options.redis);
    refuseEviction(safety);
    return new RedisGuard(options, safety);
  }

  private constructor(options: RedisGuardOptions, safety: Safety) {
    this.#options = options;
    this.#first = this.#last = safety;
    this.#looking = this.#lookOnAndOn();
  }

  /** What "written" means now. */
  get durability(): Durability {
    return this.#last.durability;
  }

  /** How many other servers have what was written. */
  get replicated(): number {
    return this.#options.replicas;
  }

  /**
   * Looks now.
   *
   * @throws {TransporterError} `store_unavailable` when what is written is less safe than at the start.
   */
  async check(): Promise<void> {
    const safety = this.#last = await look(this.#options.redis);
    refuseEviction(safety);
    const first = this.#first;
    if (
      ORDER.indexOf(safety.durability) >= ORDER.indexOf(first.durability)
    ) return;
    throw new TransporterError(
      "store_unavailable",
      `Cannot rely on the store in Redis as it has "${safety.because}", and had "${first.because}" when this control plane started: put it back, or restart the control plane if that is meant`,
    );
  }

  /** Stops looking. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#looking;
  }

  async #lookOnAndOn(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#options.clock.sleep(LOOK_MS, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#last = await look(this.#options.redis);
      } catch {
        // Then nothing is written either, which whoever writes is told.
      }
    }
  }
}

function refuseEviction({ evicts }: Safety): void {
  if (evicts === undefined) return;
  throw new TransporterError(
    "store_unavailable",
    `Cannot keep events in Redis as it has "${evicts}", by which it throws away what it keeps: set "maxmemory-policy noeviction"`,
  );
}

/** Reads the settings that matter. */
async function look(redis: RedisConnection): Promise<Safety> {
  let all: readonly string[];
  try {
    all = words(
      await redis.ask(
        ...["CONFIG", "GET", "append*", "maxmemory*"],
      ),
    );
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!/^(NOPERM|ERR unknown command)/.test(messageOf(cause))) throw error;
    return await lookWithout(redis);
  }
  const settings = new Map<string, string>();
  for (let i = 0; i < all.length; i += 2) {
    settings.set(all[i] ?? "", all[i + 1] ?? "");
  }
  const policy = settings.get("maxmemory-policy") ?? "noeviction";
  const bounded = (settings.get("maxmemory") ?? "0") !== "0";
  const evicts = bounded && policy.startsWith("allkeys-")
    ? { evicts: `maxmemory-policy ${policy}` }
    : {};
  if (settings.get("appendonly") !== "yes") {
    return { durability: "memory", because: "appendonly no", ...evicts };
  }
  const appendfsync = settings.get("appendfsync") ?? "no";
  const because = `appendfsync ${appendfsync}`;
  if (appendfsync === "always") {
    return { durability: "fsync", because, ...evicts };
  }
  const durability = appendfsync === "everysec" ? "everysec" : "memory";
  return { durability, because, ...evicts };
}

/** What can be known where nobody may read the settings: nothing says how often it syncs. */
async function lookWithout(redis: RedisConnection): Promise<Safety> {
  const info = await redis.ask("INFO", "persistence");
  if (typeof info !== "string") throw redisError("read", "INFO says nothing");
  return /^aof_enabled:1/m.test(info)
    ? { durability: "everysec", because: "aof_enabled:1" }
    : { durability: "memory", because: "aof_enabled:0" };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
