/**
 * The connection of a store to its Redis: what is to be done in one turn of the
 * event loop goes in one piece, in order.
 *
 * @module
 */
import { TransporterError } from "@transporter/sdk";
import { Redis } from "ioredis";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers";
import { closedError } from "./record.ts";
import { Age } from "./redis_age.ts";
import {
  driverOptions,
  endOf,
  type RedisConnectionOptions,
} from "./redis_driver.ts";
import { redisError } from "./redis_error.ts";
import {
  type Group,
  grouped,
  type Item,
  type Leave,
  type Reply,
  settle,
} from "./redis_group.ts";
import { LENIENT_SCRIPT, STRICT_SCRIPT } from "./redis_script.ts";

/** Pieces that are on their way at a time: what comes meanwhile goes together. */
const PIECES_MAX = 2;

/** Milliseconds between two tries to connect, at most. */
const RETRY_MS_MAX = 1000;

/** Milliseconds that replicas may take to have what was written. */
const REPLICAS_MS_MAX = 2000;

const SHA: Readonly<Record<Leave, string>> = {
  strict: sha1(STRICT_SCRIPT),
  lenient: sha1(LENIENT_SCRIPT),
};

/** A connection that reconnects by itself; what was on its way when it broke is refused, as nobody knows what became of it. */
export class RedisConnection implements AsyncDisposable {
  readonly #redis: Redis;
  readonly #replicas: number;
  /** Names the store, once that is known: the script refuses any other. */
  storeId = "";
  /** Names this process, in what others are told. */
  self = "";
  /** Hears, in the script's words, that the store is older than it was, each time that this is found. */
  onOlder: (text: string) => void = () => this.#halted = false;
  readonly #age = new Age();
  /** Nothing is sent: the store is older than it was, and somebody sees to that. */
  #halted = false;
  #items: Item[] = [];
  #pieces = 0;
  #scheduled = false;
  #closed = false;
  #idle: (() => void) | undefined;
  #lastError: unknown;

  /**
   * Connects, and waits while Redis reads what it had kept.
   *
   * @throws {TransporterError} `store_unavailable` when there is no Redis, or it does not want us.
   */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const connection = new RedisConnection(options);
    try {
      await connection.#redis.connect();
    } catch (error) {
      await endOf(connection.#redis);
      throw redisError("open", connection.#lastError ?? error);
    }
    connection.#opened = true;
    return connection;
  }

  #opened = false;

  private constructor(options: RedisConnectionOptions) {
    this.#replicas = options.address.replicas;
    this.#redis = new Redis({
      ...driverOptions(options),
      lazyConnect: true,
      retryStrategy: (tries) =>
        this.#opened
          ? Math.min(50 * 2 ** Math.min(tries, 9), RETRY_MS_MAX)
          : null,
    });
    this.#redis.on("error", (error) => this.#lastError = error);
    // Sent before anything else on a new connection: Redis forgets scripts when it restarts.
    this.#redis.on("ready", () => {
      for (const script of [STRICT_SCRIPT, LENIENT_SCRIPT]) {
        this.#redis.script("LOAD", script).catch((error) =>
          this.#lastError = error
        );
      }
    });
  }

  /** Does a step of the script; see `redis_script.ts`. */
  step(
    leave: Leave,
    name: string,
    words: readonly string[],
  ): Promise<readonly Reply[]> {
    return this.stepLater(leave, name, () => words);
  }

  /** Does a step whose words are made when it is sent, which may take a while: what they are made of is then the newest. */
  stepLater(
    leave: Leave,
    name: string,
    words: () => readonly string[],
  ): Promise<readonly Reply[]> {
    return this.#add(leave, () => {
      const made = words();
      return [name, String(made.length), ...made];
    }) as Promise<readonly Reply[]>;
  }

  /** Asks Redis itself, in order with the steps. */
  ask(...words: readonly string[]): Promise<Reply> {
    return this.askLater(() => words);
  }

  /** The same, with words that are made when it is sent. */
  askLater(words: () => readonly string[]): Promise<Reply> {
    return this.#add("read", words);
  }

  /** The newest change that is known to be written. */
  get seen(): number {
    return this.#age.change;
  }

  /** Stops until {@linkcode RedisConnection.goOn}, and says so: the store is older than it was. */
  beOlder(text: string): void {
    if (this.#halted || this.#closed) return;
    this.#halted = true;
    this.onOlder(text);
  }

  /** Goes on with a store that is older than it was; returns what the script says of that. */
  async goOn(now: number): Promise<string> {
    const words = ["older", "4", ...this.#age.words, String(now)];
    const head = [SHA.strict, "0", this.storeId, "", "0", "0", this.self];
    try {
      const [reply, age] = await this.#redis.call("EVALSHA", [
        ...[...head, ...words],
      ]) as readonly Reply[];
      this.#age.saw(age);
      return Array.isArray(reply) ? String(reply[1]) : "";
    } finally {
      this.#halted = false;
      if (this.#items.length > 0) this.#schedule();
    }
  }

  /** Whether there is a connection. */
  get isReady(): boolean {
    return this.#redis.status === "ready";
  }

  /** Waits for what is on its way, and refuses what comes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#pieces > 0 || this.#items.length > 0) {
      await new Promise<void>((resolve) => this.#idle = resolve);
    }
    this.#opened = false;
    await endOf(this.#redis);
  }

  #add(leave: Item["leave"], words: Item["words"]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      this.#items.push({ leave, words, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#halted || this.#pieces >= PIECES_MAX) return;
    this.#scheduled = true;
    setImmediate(async () => {
      this.#scheduled = false;
      const items = this.#items;
      this.#items = [];
      this.#pieces++;
      await this.#send(items);
      this.#pieces--;
      if (this.#items.length > 0) this.#schedule();
      else if (this.#pieces === 0) this.#idle?.();
    });
  }

  /** Sends items in order, and settles each. Never rejects. */
  async #send(items: readonly Item[]): Promise<void> {
    const groups = grouped(items);
    const { era } = this.#age;
    const pipeline = this.#redis.pipeline();
    for (const group of groups) {
      const { command, words } = this.#command(group);
      pipeline.call(command, words);
    }
    const waits = this.#replicas > 0 &&
      items.some(({ leave }) => leave !== "read");
    if (waits) pipeline.wait(this.#replicas, REPLICAS_MS_MAX);
    let results: [error: Error | null, reply: unknown][];
    try {
      results = await pipeline.exec() ?? [];
    } catch (error) {
      results = items.map(() => [error as Error, null]);
    }
    const short = waits ? this.#short(results[groups.length]) : undefined;
    const again: Item[] = [];
    for (const [i, group] of groups.entries()) {
      const [error, reply] = results[i] ?? [new Error("no answer"), null];
      if (error) again.push(...this.#refuse(group.items, error, era));
      else {
        this.#see(group, reply as Reply);
        settle(group.items, reply as Reply, short);
      }
    }
    if (again.length > 0) await this.#send(again);
  }

  #see({ items }: Group, reply: Reply): void {
    if (items[0]?.leave === "read" || !Array.isArray(reply)) return;
    this.#age.saw(reply[items.length]);
  }

  #command({ items, words }: Group): {
    readonly command: string;
    readonly words: string[];
  } {
    if (items[0]?.leave === "read") {
      const [command = "", ...rest] = words;
      return { command, words: rest };
    }
    const leave = items.some(({ leave }) => leave === "strict")
      ? "strict"
      : "lenient";
    const head = [this.storeId, ...this.#age.words, this.self];
    words.unshift(SHA[leave], "0", ...head);
    return { command: "EVALSHA", words };
  }

  /** Refuses items; returns those that are worth another try, as they were certainly not done and may be now. */
  #refuse(
    group: readonly Item[],
    error: Error,
    era: string,
  ): readonly Item[] {
    // A master became a replica: the name may lead to the new one.
    if (error.message.startsWith("READONLY")) this.#redis.disconnect(true);
    const [code, ...text] = error.message.split(" ");
    // What was on its way meanwhile says again what has been seen to.
    if (code === "OLDERSTORE" && era === this.#age.era) {
      this.beOlder(text.join(" "));
    }
    const full = error.message.startsWith("OOM");
    const again = full ? group.filter(({ leave }) => leave === "lenient") : [];
    const retried = again.length < group.length ? again : [];
    for (const item of group) {
      if (retried.includes(item)) continue;
      item.reject(
        redisError(item.leave === "read" ? "read" : "write to", error),
      );
    }
    return retried;
  }

  /** What to say when too few replicas have what was written. */
  #short(
    [error, count]: [Error | null, unknown] = [new Error("no answer"), 0],
  ): TransporterError | undefined {
    if (error) return redisError("write to", error);
    if (Number(count) >= this.#replicas) return undefined;
    return new TransporterError(
      "store_unavailable",
      `Cannot rely on the store in Redis as ${count} of ${this.#replicas} replicas have what was written`,
    );
  }
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
