import { type HistoryEntry, TransporterError } from "@transporter/sdk";
import type { RedisConnection } from "./redis_connection.ts";
import { redisError } from "./redis_error.ts";
import type { Reply } from "./redis_group.ts";
import type { Names } from "./redis_names.ts";
import {
  oldestIn,
  readPiece,
  readPieces,
  readStored,
  type Stored,
} from "./redis_history.ts";
import { EVENT_FIELDS, readEvent, readFacts, words } from "./redis_rows.ts";
import type { Change, ChangeRange, EventQuery, EventRecord } from "./store.ts";

/** Records that are read at a time. */
const READ_MAX = 256;

/** How often a history may change while it is read. */
const TRIES_MAX = 100;

/** The fields of an event without its result, which may be large. */
const LIST_FIELDS = EVENT_FIELDS.map((name) => name === "r" ? "-" : name);

/** Options of {@linkcode Lists}. */
export interface ListsOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** What things are called there. */
  readonly names: Names;
}

/** Finds the events, and the changes, that somebody asks for. */
export class Lists {
  readonly #options: ListsOptions;

  /** Reads nothing yet. */
  constructor(options: ListsOptions) {
    this.#options = options;
  }

  /** Reads records, in the order of their ids; those that are gone are left out. */
  async records(
    tenant: string,
    ids: readonly string[],
    { results = true }: { readonly results?: boolean } = {},
  ): Promise<readonly EventRecord[]> {
    const { redis, names } = this.#options;
    const fields = results ? EVENT_FIELDS : LIST_FIELDS;
    const found: EventRecord[] = [];
    for (let i = 0; i < ids.length; i += READ_MAX) {
      const replies = await Promise.all(
        ids.slice(i, i + READ_MAX).map((id) =>
          redis.ask("HMGET", names.event(tenant, id), ...fields)
        ),
      );
      for (const reply of replies) {
        const event = readEvent(tenant, reply);
        if (event) found.push(event.record);
      }
    }
    return found;
  }

  /**
   * The newest events a query is about: those of the smallest list that has all
   * of them, newest first, as far as the rest of the query fits.
   */
  async events(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]> {
    const { redis } = this.#options;
    const lists = await this.#smallest(tenant, query);
    const found: EventRecord[] = [];
    for (const list of lists) {
      let upto = query.before === undefined ? "+inf" : `(${query.before}`;
      const mine: EventRecord[] = [];
      while (mine.length < query.limit) {
        const count = Math.min(READ_MAX, Math.max(query.limit, 32));
        const page = words(
          await redis.ask(
            ...["ZRANGE", list, upto, "-inf", "BYSCORE", "REV"],
            ...["LIMIT", "0", String(count), "WITHSCORES"],
          ),
        );
        const ids = page.filter((_, i) => i % 2 === 0);
        const records = await this.records(tenant, ids, { results: false });
        mine.push(...records.filter((record) => matches(record, query)));
        if (ids.length < count) break;
        const last = page.at(-1);
        if (await this.#isBefore(tenant, ids.at(-1), query.since)) break;
        upto = `(${last}`;
      }
      found.push(...mine);
    }
    return found.sort((a, b) => b.enq - a.enq).slice(0, query.limit);
  }

  /** Whether all that was accepted up to an event was so before a time; clocks go back, so its own time does not say. */
  async #isBefore(
    tenant: string,
    id: string | undefined,
    since: number | undefined,
  ): Promise<boolean> {
    if (since === undefined || id === undefined) return false;
    const { redis, names } = this.#options;
    const f = await redis.ask("HGET", names.event(tenant, id), "f");
    return f !== null && readFacts(String(f)).acceptedUpto < since;
  }

  /** Lists, none of which shares an event with another, that have all that a query is about. */
  async #smallest(
    tenant: string,
    { agent, states, type, labels = {} }: EventQuery,
  ): Promise<readonly string[]> {
    const { redis, names } = this.#options;
    const choices: string[][] = [[names.of("all", tenant)]];
    if (agent !== undefined) choices.push([names.about("for", tenant, agent)]);
    if (states !== undefined) {
      choices.push(
        [...new Set(states)].map((state) =>
          names.about("state", tenant, state)
        ),
      );
    }
    if (type !== undefined) {
      choices.push([names.about("trait", tenant, names.type(type))]);
    }
    for (const [name, value] of Object.entries(labels)) {
      choices.push([names.about("trait", tenant, names.label(name, value))]);
    }
    if (choices.length === 1) return choices[0] ?? [];
    const sizes = await Promise.all(choices.map(async (lists) => {
      const counts = await Promise.all(
        lists.map((list) => redis.ask("ZCARD", list)),
      );
      return counts.reduce<number>((sum, count) => sum + Number(count), 0);
    }));
    return choices[sizes.indexOf(Math.min(...sizes))] ?? [];
  }

  /** As {@linkcode Store.listHistory} says. */
  async history(
    tenant: string,
    id: string,
  ): Promise<readonly HistoryEntry[]> {
    const { redis, names } = this.#options;
    const stream = names.of("changes", tenant);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const c = await redis.ask("HGET", names.event(tenant, id), "c");
      const pieces = await Promise.all(
        readPieces(String(c ?? "")).map(async (piece) => {
          const name = `${piece.newest}-0`;
          const reply = await redis.ask("XRANGE", stream, name, name);
          const [found] = Array.isArray(reply) ? reply : [];
          return found === undefined
            ? []
            : readPiece(readStored(found), piece).map(({ entry }) => entry);
        }),
      );
      if (pieces.every(({ length }) => length > 0)) return pieces.flat();
      // One was replaced, or the event removed, in between.
    }
    throw new TransporterError(
      "store_unavailable",
      `Cannot read the history of "${id}" as it changed ${TRIES_MAX} times, or a part of it is lost`,
    );
  }

  /** As {@linkcode Store.listChanges} says. */
  async changes(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]> {
    const { redis, names } = this.#options;
    const found: Change[] = [];
    let next = after;
    while (found.length < limit) {
      const count = Math.min(limit - found.length, READ_MAX);
      const replies = await redis.ask(
        ...["XRANGE", names.of("changes", tenant), `(${next}-0`, "+"],
        ...["COUNT", String(count)],
      );
      const page = Array.isArray(replies) ? replies.map(readStored) : [];
      const changes = await Promise.all(
        page.map((stored) => this.#changesIn(tenant, stored)),
      );
      found.push(...changes.flat().filter(({ change }) => change > after));
      if (page.length < count) break;
      next = page.at(-1)?.newest ?? next;
    }
    return found.slice(0, limit);
  }

  /** None of those that were replaced in between, or if the event was removed. */
  async #changesIn(
    tenant: string,
    stored: Stored,
  ): Promise<readonly Change[]> {
    const { redis, names } = this.#options;
    const key = names.event(tenant, stored.id);
    const reply = await redis.ask("HMGET", key, "h", "c");
    const [h, c] = reply as readonly (string | null)[];
    const piece = readPieces(c ?? "")
      .find(({ newest }) => newest === stored.newest);
    if (!h || !piece) return [];
    const { spec }: Pick<EventRecord, "spec"> = JSON.parse(h);
    return readPiece(stored, piece).map(({ change, entry }) => ({
      change,
      tenant,
      agent: spec.target_agent,
      type: spec.type,
      entry,
    }));
  }

  /** As {@linkcode Store.changeRange} says. */
  async changeRange(): Promise<ChangeRange> {
    const { redis } = this.#options;
    const { seen } = redis;
    // By its counter: it never goes back, although the newest changes may be removed with their events.
    const [numbers, reply] = await Promise.all([
      redis.ask("HMGET", "tp:meta", "change", "since"),
      redis.ask("SMEMBERS", "tp:tenants"),
    ]);
    const firsts = await Promise.all(
      words(reply).map(async (tenant) => {
        const key = `tp:changes:${tenant}`;
        const page = await redis.ask("XRANGE", key, "-", "+", "COUNT", "1");
        return Array.isArray(page)
          ? page.map((reply) => oldestIn(readStored(reply)))
          : [];
      }),
    );
    const [newest = 0, since = 0] = (numbers as readonly Reply[]).map(Number);
    if (newest < seen) {
      const text = `${seen} ${newest}`;
      redis.beOlder(text);
      throw redisError("read", new Error(`OLDERSTORE ${text}`));
    }
    if (newest === 0) return { oldest: 0, newest };
    // Of those that are gone nobody is to believe that they never were.
    const oldest = Math.min(newest + 1, ...firsts.flat());
    return { oldest, newest, ...(since === 0 ? {} : { since }) };
  }
}

function matches(record: EventRecord, query: EventQuery): boolean {
  const { spec } = record;
  return (query.agent === undefined || spec.target_agent === query.agent) &&
    (query.states === undefined || query.states.includes(record.state)) &&
    (query.type === undefined || spec.type === query.type) &&
    (query.since === undefined || record.acceptedAt >= query.since) &&
    Object.entries(query.labels ?? {}).every(([name, value]) =>
      Object.hasOwn(spec.labels, name) && spec.labels[name] === value
    );
}
