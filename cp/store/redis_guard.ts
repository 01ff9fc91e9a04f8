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
import type { Reply } from "./redis_group.ts";
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

  /** What says so. */
  get because(): string {
    return this.#last.because;
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

/** Reads the settings that matter, as far as we may. */
async function look(redis: RedisConnection): Promise<Safety> {
  try {
    return readSettings(
      pairs(await redis.ask("CONFIG", "GET", "*append*", "maxmemory*")),
    );
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const message = cause instanceof Error ? cause.message : "";
    if (!/^(NOPERM|ERR unknown command)/.test(message)) throw error;
    const [persistence, memory] = await Promise.all([
      redis.ask("INFO", "persistence"),
      redis.ask("INFO", "memory"),
    ]);
    return readInfo(`${persistence}\n${memory}`);
  }
}

/** What the settings of a Redis say. */
export function readSettings(settings: ReadonlyMap<string, string>): Safety {
  const policy = settings.get("maxmemory-policy") ?? "noeviction";
  const bounded = (settings.get("maxmemory") ?? "0") !== "0";
  const evicts = evictionOf(bounded, policy);
  if (settings.get("appendonly") !== "yes") {
    return { durability: "memory", because: "appendonly no", ...evicts };
  }
  if (settings.get("no-appendfsync-on-rewrite") === "yes") {
    const because = "no-appendfsync-on-rewrite yes";
    return { durability: "memory", because, ...evicts };
  }
  const appendfsync = settings.get("appendfsync") ?? "no";
  return {
    durability: DURABILITY.get(appendfsync) ?? "memory",
    because: `appendfsync ${appendfsync}`,
    ...evicts,
  };
}

/** What is known where nobody may read the settings: an AOF may be synced by nobody, so nothing counts as on the disk. */
export function readInfo(info: string): Safety {
  const value = (name: string) =>
    new RegExp(`^${name}:(\\S*)`, "m").exec(info)?.[1];
  const aof = value("aof_enabled") === "1";
  return {
    durability: "memory",
    because: aof
      ? "aof_enabled:1, and no right to read appendfsync (config|get)"
      : "aof_enabled:0",
    ...evictionOf(
      (value("maxmemory") ?? "0") !== "0",
      value("maxmemory_policy") ?? "noeviction",
    ),
  };
}

const DURABILITY: ReadonlyMap<string, Durability> = new Map([
  ["always", "fsync"],
  ["everysec", "everysec"],
]);

/** Only what has an end of its own goes by the policies `volatile-…`, and nothing here has one. */
function evictionOf(bounded: boolean, policy: string): Pick<Safety, "evicts"> {
  return bounded && policy.startsWith("allkeys-")
    ? { evicts: `maxmemory-policy ${policy}` }
    : {};
}

function pairs(reply: Reply): ReadonlyMap<string, string> {
  const all = words(reply);
  const found = new Map<string, string>();
  for (let i = 0; i < all.length; i += 2) {
    found.set(all[i] ?? "", all[i + 1] ?? "");
  }
  return found;
}
