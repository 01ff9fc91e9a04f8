import {
  type Archive,
  type ArchiveItem,
  type Counters,
  ITEM_KINDS,
  type ItemCounts,
  type MoveMark,
  type MoveMarks,
  type Placed,
  splitCursor,
} from "./archive.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { Reply } from "./redis_group.ts";
import { readMarks, stepOf } from "./redis_archive_steps.ts";
import { refuseUsed } from "./redis_in_use.ts";
import { readPiece, readPieces, readStored } from "./redis_history.ts";
import { Names, readMember } from "./redis_names.ts";
import {
  EVENT_FIELDS,
  readAgent,
  readEvent,
  readFacts,
  readLog,
  readTombstone,
  words,
} from "./redis_rows.ts";

/** Pieces that are read at a time. */
const READ_MAX = 200;

/** Options of {@linkcode RedisArchive}. */
export interface RedisArchiveOptions {
  /** The connection, which is closed with the archive. */
  readonly redis: RedisConnection;
  /** The number of the database. */
  readonly db: number;
  /** What the store is called once it is filled. */
  readonly storeId: string;
}

/** A store in Redis as a whole. */
export class RedisArchive implements Archive {
  readonly #redis: RedisConnection;
  readonly #storeId: string;
  readonly #names = new Names();

  /**
   * Takes over the connection.
   *
   * @throws {TransporterError} `conflict` when a control plane has the store open.
   */
  static async open(options: RedisArchiveOptions): Promise<RedisArchive> {
    await refuseUsed(options.redis, options.db);
    return new RedisArchive(options);
  }

  private constructor({ redis, storeId }: RedisArchiveOptions) {
    this.#redis = redis;
    this.#storeId = storeId;
  }

  marks(): Promise<MoveMarks> {
    return readMarks(this.#redis);
  }

  async markSource(mark: MoveMark): Promise<void> {
    const words = ["source", JSON.stringify(mark)];
    await this.#redis.step("lenient", "markmove", words);
    this.#redis.storeId = ""; // it has none any more
  }

  async counts(): Promise<ItemCounts> {
    const tenants = words(await this.#redis.ask("SMEMBERS", "tp:tenants"));
    const sum = async (command: string, kind: string) => {
      const counts = await Promise.all(
        tenants.map((tenant) =>
          this.#redis.ask(command, `tp:${kind}:${tenant}`)
        ),
      );
      return counts.reduce<number>((total, count) => total + Number(count), 0);
    };
    return {
      agent: (await this.#keys("agent")).length,
      mark: (await Array.fromAsync(this.#marks(""))).length,
      tombstone: Number(await this.#redis.ask("ZCARD", "tp:until")),
      event: await sum("ZCARD", "all"),
      entry: Number(await this.#redis.ask("HGET", "tp:meta", "entries")),
    };
  }

  async counters(): Promise<Counters> {
    const names = ["enq", "change", "upto"];
    const reply = await this.#redis.ask("HMGET", "tp:meta", ...names);
    const [enq, change, upto] = (reply as readonly Reply[]).map(Number);
    return { enq: enq ?? 0, change: change ?? 0, acceptedUpto: upto ?? 0 };
  }

  async *read(after?: string): AsyncIterable<Placed> {
    const { kind: first, place } = splitCursor(after);
    const readers = {
      agent: (at: string) => this.#agents(at),
      mark: (at: string) => this.#marks(at),
      tombstone: (at: string) => this.#tombstones(at),
      event: (at: string) => this.#events(at),
      entry: (at: string) => this.#entries(at),
    };
    for (
      const kind of ITEM_KINDS.slice(ITEM_KINDS.findIndex((k) => k === first))
    ) yield* readers[kind](kind === first ? place : "");
  }

  /** All keys of a kind, in order: of agents also those that were forgotten. */
  async #keys(kind: "agent" | "marks"): Promise<readonly string[]> {
    const found = new Set<string>();
    let at = "0";
    do {
      const reply = await this.#redis.ask(
        ...["SCAN", at, "MATCH", `tp:${kind}:*`, "COUNT", "1000"],
      );
      const [next, keys] = reply as readonly Reply[];
      for (const key of words(keys)) found.add(key);
      at = String(next);
    } while (at !== "0");
    return [...found].sort();
  }

  async *#agents(after: string): AsyncIterable<Placed> {
    for (const key of await this.#keys("agent")) {
      if (key <= after) continue;
      const { tenant, id } = readMember(key.replace("tp:agent:", "0:"));
      const reply = await this.#redis.ask("HGETALL", key);
      const agent = readAgent(tenant, id, reply, { alsoGone: true });
      if (!agent) continue;
      const deleted = words(reply).some((word, i) =>
        i % 2 === 0 && word === "gone"
      );
      yield { item: { kind: "agent", agent, deleted }, cursor: `agent:${key}` };
    }
  }

  /** They are few: each is read again where a move goes on. */
  async *#marks(_: string): AsyncIterable<Placed> {
    for (const key of await this.#keys("marks")) {
      const tenant = decodeURIComponent(key.slice("tp:marks:".length));
      const all = words(await this.#redis.ask("HGETALL", key));
      for (let i = 0; i < all.length; i += 2) {
        const [name = "", value] = all.slice(i, i + 2);
        const kind = "mark" as const;
        const item = { kind, tenant, name, value: Number(value) };
        yield { item, cursor: "mark:" };
      }
    }
  }

  async *#tombstones(after: string): AsyncIterable<Placed> {
    for (let from = Number(after || -1) + 1;;) {
      const members = words(
        await this.#redis.ask(
          ...["ZRANGE", "tp:until", `${from}`, `${from + READ_MAX - 1}`],
        ),
      );
      for (const member of members) {
        const { tenant, id } = readMember(`0:${member}`);
        const key = this.#names.of("dead", tenant);
        const text = String(await this.#redis.ask("HGET", key, id)).slice(1);
        const own: { readonly key?: string } = JSON.parse(text);
        yield {
          item: {
            kind: "tombstone",
            tenant,
            tombstone: readTombstone(text),
            ...(own.key === undefined ? {} : { key: own.key }),
          },
          cursor: `tombstone:${from++}`,
        };
      }
      if (members.length < READ_MAX) return;
    }
  }

  /** The tenants from one on, in order, each with where to begin in it. */
  async #tenants(
    after: string,
  ): Promise<readonly (readonly [tenant: string, at: string])[]> {
    const [from = "", at = ""] = after.split("\n");
    return words(await this.#redis.ask("SMEMBERS", "tp:tenants")).toSorted()
      .filter((tenant) => tenant >= from)
      .map((tenant) => [tenant, tenant === from ? at : ""]);
  }

  async *#events(after: string): AsyncIterable<Placed> {
    for (const [name, at] of await this.#tenants(after)) {
      const tenant = decodeURIComponent(name);
      let from = at === "" ? "-inf" : `(${at}`;
      for (;;) {
        const page = words(
          await this.#redis.ask(
            ...["ZRANGE", `tp:all:${name}`, from, "+inf", "BYSCORE"],
            ...["LIMIT", "0", String(READ_MAX), "WITHSCORES"],
          ),
        );
        for (let i = 0; i < page.length; i += 2) {
          const item = await this.#event(tenant, page[i] ?? "");
          yield { item, cursor: `event:${name}\n${page[i + 1]}` };
        }
        if (page.length < 2 * READ_MAX) break;
        from = `(${page.at(-1)}`;
      }
    }
  }

  async #event(tenant: string, id: string): Promise<ArchiveItem> {
    const names = this.#names;
    const [reply, logs] = await Promise.all([
      this.#redis.ask("HMGET", names.event(tenant, id), ...EVENT_FIELDS, "p"),
      this.#redis.ask("LRANGE", names.about("log", tenant, id), "0", "-1"),
    ]);
    const event = readEvent(tenant, reply);
    if (!event) throw new TypeError(`Cannot read the event "${id}"`);
    const [, f = "", , , , , payload = "null"] = words(reply);
    return {
      kind: "event",
      record: event.record,
      payload,
      acceptedUpto: readFacts(f).acceptedUpto,
      logs: words(logs).map((text) => {
        const { n: _, ...chunk } = readLog(text, 0);
        return chunk;
      }),
    };
  }

  async *#entries(after: string): AsyncIterable<Placed> {
    for (const [name, at] of await this.#tenants(after)) {
      const tenant = decodeURIComponent(name);
      let from = at === "" ? "-" : `(${at}`;
      for (;;) {
        const reply = await this.#redis.ask(
          ...["XRANGE", `tp:changes:${name}`, from, "+"],
          ...["COUNT", String(READ_MAX)],
        );
        const page = Array.isArray(reply) ? reply as readonly Reply[] : [];
        for (const one of page) {
          const read = await this.#piece(tenant, one);
          const before = from.slice(1); // a piece that was read in part is begun again
          from = `(${read.name}`;
          for (const [i, placed] of read.entries.entries()) {
            const isLast = i === read.entries.length - 1;
            yield {
              item: { kind: "entry", tenant, ...placed },
              cursor: `entry:${name}\n${isLast ? read.name : before}`,
            };
          }
        }
        if (page.length < READ_MAX) break;
      }
    }
  }

  /** The entries of a piece that count. */
  async #piece(tenant: string, reply: Reply) {
    const stored = readStored(reply);
    const key = this.#names.event(tenant, stored.id);
    const c = String(await this.#redis.ask("HGET", key, "c") ?? "");
    const at = readPieces(c).find(({ newest }) => newest === stored.newest);
    return { name: `${stored.newest}-0`, entries: readPiece(stored, at) };
  }

  async write(items: readonly ArchiveItem[], mark: MoveMark): Promise<void> {
    await Promise.all(items.map((item) => this.#add(item)));
    await this.#mark(mark); // only now: what it says is there is there
  }

  async #add(item: ArchiveItem): Promise<void> {
    const [name, tenant, rest] = stepOf(item, this.#names);
    const words = [this.#names.tenant(tenant), ...rest];
    await this.#redis.step("strict", name, words);
  }

  async finish(counters: Counters, mark: MoveMark): Promise<void> {
    await this.#mark(mark, [
      ...["enq", String(counters.enq)],
      ...["change", String(counters.change)],
      ...["upto", String(counters.acceptedUpto)],
      ...["id", this.#storeId],
    ]);
  }

  async #mark(mark: MoveMark, fields: readonly string[] = []): Promise<void> {
    const words = ["target", JSON.stringify(mark), ...fields];
    await this.#redis.step("lenient", "markmove", words);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#redis[Symbol.asyncDispose]();
  }
}
