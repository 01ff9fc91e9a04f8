// deno-lint-ignore-file transporter/file-length -- one short method for each of the interface
import {
  type Clock,
  type Durability,
  type EventSpec,
  type HistoryEntry,
  type State,
  utf8Length,
} from "@transporter/sdk";
import { checkGeneration, closedError, newRecord } from "./record.ts";
import { readGap } from "./redis_age.ts";
import { Agents } from "./redis_agents.ts";
import { Changes } from "./redis_changes.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { Reply } from "./redis_group.ts";
import { entryLine } from "./redis_history.ts";
import { Lists } from "./redis_lists.ts";
import { Names, readMember } from "./redis_names.ts";
import { Releases } from "./redis_releases.ts";
import {
  changingPart,
  EVENT_FIELDS,
  fixedPart,
  readEvent,
  readFacts,
  readLog,
  readSpec,
  readTombstone,
  words,
} from "./redis_rows.ts";
import { RedisSeats } from "./redis_seats.ts";
import { sweepRedis } from "./redis_sweep.ts";
import type { RedisGuard } from "./redis_guard.ts";
import type { CommitListener, Gap, SharedStore } from "./shared.ts";
import type {
  AgentRecord,
  Change,
  ChangeRange,
  Creation,
  EventChange,
  EventQuery,
  EventRecord,
  Fence,
  LogChunk,
  LogRecord,
  NewEvent,
  NewSession,
  OpenCount,
  Release,
  ReleasedEvent,
  SignOfLife,
  Sweep,
} from "./store.ts";

/** Options of {@linkcode RedisStore}. */
export interface RedisStoreOptions {
  /** The connection, which is closed with the store. */
  readonly redis: RedisConnection;
  /** Knows how safe what is written is. */
  readonly guard: RedisGuard;
  /** Names this process among those that have the store open. */
  readonly self: string;
  /** What this machine is called. */
  readonly host: string;
  /** What stamps changes. */
  readonly clock: Clock;
  /** When it was found older than it was, the last time. */
  readonly gap: Gap | undefined;
  /** Begins to listen to what is committed. */
  listen(listener: CommitListener): Promise<AsyncDisposable>;
}

/** {@linkcode Store} in Redis, which several processes may have open at a time. */
export class RedisStore implements SharedStore {
  readonly self: string;
  readonly host: string;
  readonly seats: RedisSeats;
  readonly #options: RedisStoreOptions;
  readonly #names: Names;
  readonly #agents: Agents;
  readonly #changes: Changes;
  readonly #lists: Lists;
  readonly #releases: Releases;
  /** How much was asked and is not answered. */
  #working = 0;
  #idle: (() => void) | undefined;
  readonly #over = () => {
    if (--this.#working === 0) this.#idle?.();
  };
  readonly #onOlder = new Set<(gap: Gap) => void>();
  #gap: Gap | undefined;
  #closed = false;

  /** Takes over the connection. */
  constructor(options: RedisStoreOptions) {
    const { redis, clock, self } = this.#options = options;
    this.self = self;
    this.host = options.host;
    redis.self = self;
    const names = this.#names = new Names();
    this.#agents = new Agents({ redis, names });
    this.seats = new RedisSeats({ redis, names, self, clock });
    this.#lists = new Lists({ redis, names });
    const changes = this.#changes = new Changes({ redis, names, clock });
    this.#releases = new Releases({ redis, names, clock, changes });
    this.#gap = options.gap;
    redis.onOlder = (text) => void this.#beOlder(text);
  }

  get gap(): Gap | undefined {
    return this.#gap;
  }

  onOlder(listener: (gap: Gap) => void): Disposable {
    this.#onOlder.add(listener);
    return { [Symbol.dispose]: () => void this.#onOlder.delete(listener) };
  }

  /** Nothing of what this process knows is true any more; whoever has sessions ends them before anything is written. */
  async #beOlder(text: string): Promise<void> {
    const { redis, clock } = this.#options;
    this.#gap = readGap(text, clock.now());
    this.#changes.seen.clear();
    for (const listener of this.#onOlder) listener(this.#gap);
    try {
      this.#gap = readGap(await redis.goOn(clock.now()), clock.now());
    } catch {
      // The next step finds the same.
    }
  }

  get durability(): Durability {
    return this.#options.guard.durability;
  }

  get because(): string {
    return this.#options.guard.because;
  }

  get replicated(): number {
    return this.#options.guard.replicated;
  }

  createEvent(tenant: string, event: NewEvent): Promise<Creation> {
    return this.#do(() => {
      const { spec, idempotencyKey } = event;
      const { payload, ...head } = spec;
      const [text, body] = [JSON.stringify(head), JSON.stringify(payload)];
      // The whole is the head, with a comma, the payload's name and the payload before its last brace.
      const bytes = utf8Length(text) + utf8Length(body) + ',"payload":'.length;
      // A copy, which nobody can change while it is on its way.
      const record = {
        ...newRecord(tenant, event, { enq: 0, bytes }),
        spec: JSON.parse(text),
      };
      return this.#step("strict", "create", tenant, [
        spec.id,
        idempotencyKey ?? spec.id,
        record.idempotencyKey ?? "",
        spec.target_agent,
        String(record.acceptedAt),
        String(spec.priority),
        String(bytes),
        fixedPart(record),
        body,
        record.state,
        changingPart(record),
        String(record.readyAt ?? ""),
        String(record.dueAt),
        entryLine(record.revision, event),
        ...this.#names.traits(record),
      ]).then((reply) => this.#created(record, body, reply));
    });
  }

  #created(
    record: EventRecord,
    body: string,
    reply: readonly Reply[],
  ): Creation {
    const { tenant, spec: { id } } = record;
    if (reply[0] === "dead") {
      return { created: false, tombstone: readTombstone(String(reply[1])) };
    }
    if (reply[0] === "taken") {
      const taken = readEvent(tenant, reply[1]);
      if (taken) return { created: false, record: taken.record };
      throw new TypeError(`Cannot read what has the id "${id}"`);
    }
    const added = { ...record, enq: Number(reply[1]) };
    this.#changes.seen.set(this.#names.event(tenant, id), {
      record: added,
      version: "1",
      ...(body.length > PAYLOAD_MAX ? {} : { payload: body }),
    });
    return { created: true, record: added };
  }

  getEvent(tenant: string, id: string): Promise<EventRecord | undefined> {
    return this.#do(async () => (await this.#changes.read(tenant, id))?.record);
  }

  getSpec(tenant: string, id: string): Promise<EventSpec | undefined> {
    return this.#do(async () => {
      const key = this.#names.event(tenant, id);
      const reply = await this.#ask("HMGET", key, "h", "p");
      const [h, p] = reply as readonly (string | null)[];
      return h && p ? readSpec(h, p) : undefined;
    });
  }

  changeEvent(
    tenant: string,
    id: string,
    decide: (record: EventRecord) => EventChange | undefined,
    fence?: Fence,
  ): Promise<
    { readonly record: EventRecord; readonly changed: boolean } | undefined
  > {
    return this.#do(() => this.#changes.change(tenant, id, { decide, fence }));
  }

  releaseEvents(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#do(() => this.#releases.release(tenant, release));
  }

  nextReadyAt(
    tenant: string,
    agent: string,
    at: number,
  ): Promise<number | undefined> {
    return this.#do(async () => {
      const [, score] = words(
        await this.#ask(
          ...["ZRANGEBYSCORE", this.#names.about("wait", tenant, agent)],
          ...[`(${at}`, "+inf", "WITHSCORES", "LIMIT", "0", "1"],
        ),
      );
      return score === undefined ? undefined : Number(score);
    });
  }

  listOpen(
    tenant: string,
    agent: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly EventRecord[]> {
    return this.#do(async () => {
      const ids = await this.#ask(
        ...["ZRANGE", this.#names.about("open", tenant, agent), `(${after}`],
        ...["+inf", "BYSCORE", "LIMIT", "0", String(limit)],
      );
      return await this.#lists.records(tenant, words(ids));
    });
  }

  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#do(async () => {
      const key = this.#names.about("sent", tenant, agent);
      const members = words(await this.#ask("ZRANGE", key, "0", "-1"));
      const found = await Promise.all(members.map(async (member) => {
        const { id } = readMember(member);
        const reply = await this.#ask(
          ...["HMGET", this.#names.event(tenant, id)],
          ...[...EVENT_FIELDS, "p"],
        );
        const event = readEvent(tenant, reply);
        if (!event) return [];
        const [, f = "", , , , , p = ""] = words(reply);
        const spec = { ...event.record.spec, payload: JSON.parse(p) };
        return [{ record: event.record, spec, rank: readFacts(f).rank }];
      }));
      return found.flat()
        .sort((a, b) =>
          (a.record.seq ?? NUMBERLESS) - (b.record.seq ?? NUMBERLESS) ||
          a.rank - b.rank || a.record.enq - b.record.enq
        )
        .map(({ record, spec }) => ({ record, spec }));
    });
  }

  listEvents(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]> {
    return this.#do(() => this.#lists.events(tenant, query));
  }

  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]> {
    return this.#do(() => this.#lists.history(tenant, id));
  }

  listDue(at: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#do(async () => {
      const members = words(
        await this.#ask(
          ...["ZRANGE", "tp:due", "-inf", String(at), "BYSCORE"],
          ...["LIMIT", "0", String(limit)],
        ),
      );
      const found = await Promise.all(members.map((member) => {
        const { tenant, id } = readMember(member);
        return this.#changes.read(tenant, id);
      }));
      return found.flatMap((event) => event ? [event.record] : []);
    });
  }

  countOpen(tenant: string): Promise<ReadonlyMap<string, OpenCount>> {
    return this.#do(async () => {
      const key = this.#names.of("count", tenant);
      const all = words(await this.#ask("HGETALL", key));
      const counts = new Map<string, OpenCount>();
      for (let i = 0; i < all.length; i += 2) {
        const [what = "", agent = ""] = split(all[i] ?? "");
        const { states = {}, bytes = 0 } = counts.get(agent) ?? {};
        const count = Number(all[i + 1]);
        counts.set(
          agent,
          what === "bytes"
            ? { states, bytes: count }
            : { states: { ...states, [what as State]: count }, bytes },
        );
      }
      return new Map([...counts].sort(([a], [b]) => a < b ? -1 : 1));
    });
  }

  sweep(sweep: Sweep): Promise<number> {
    const { redis } = this.#options;
    const [names, changes] = [this.#names, this.#changes];
    return this.#do(() => sweepRedis({ redis, names, changes }, sweep));
  }

  addLogs(
    tenant: string,
    id: string,
    chunks: readonly LogChunk[],
    fence?: Fence,
  ): Promise<void> {
    return this.#do(async () => {
      const { agent = "", gen = 0 } = fence ?? {};
      const pieces = chunks.map((chunk) => JSON.stringify(chunk));
      const words = [id, agent, String(gen), ...pieces];
      const reply = await this.#step("strict", "log", tenant, words);
      if (reply[0] !== "superseded") return;
      checkGeneration({ id: agent, gen: Number(reply[1]) }, gen);
    });
  }

  listLogs(
    tenant: string,
    id: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly LogRecord[]> {
    return this.#do(async () => {
      const key = this.#names.about("log", tenant, id);
      const [from, to] = [after, after + limit - 1].map(String);
      const pieces = words(await this.#ask("LRANGE", key, from!, to!));
      return pieces.map((text, i) => readLog(text, after + i + 1));
    });
  }

  listChanges(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]> {
    return this.#do(() => this.#lists.changes(tenant, after, limit));
  }

  changeRange(): Promise<ChangeRange> {
    return this.#do(() => this.#lists.changeRange());
  }

  openSession(tenant: string, session: NewSession): Promise<AgentRecord> {
    return this.#do(() => this.#agents.open(tenant, session));
  }

  touchAgent(tenant: string, fence: Fence, sign: SignOfLife): Promise<void> {
    return this.#do(() => this.#agents.touch(tenant, fence, sign));
  }

  restartStream(
    tenant: string,
    fence: Fence,
    epoch: string,
  ): Promise<AgentRecord | undefined> {
    return this.#do(() => this.#agents.restart(tenant, fence, epoch));
  }

  setPaused(
    tenant: string,
    id: string,
    pausedAt: number | undefined,
  ): Promise<AgentRecord | undefined> {
    return this.#do(() => this.#agents.pause(tenant, id, pausedAt));
  }

  deleteAgent(tenant: string, id: string): Promise<boolean> {
    return this.#do(() => this.#agents.delete(tenant, id));
  }

  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined> {
    return this.#do(() => this.#agents.get(tenant, id));
  }

  listAgents(tenant: string): Promise<readonly AgentRecord[]> {
    return this.#do(() => this.#agents.list(tenant));
  }

  getMark(tenant: string, name: string): Promise<number | undefined> {
    return this.#do(async () => {
      const key = this.#names.of("marks", tenant);
      const value = await this.#ask("HGET", key, name);
      return value === null ? undefined : Number(value);
    });
  }

  setMark(
    tenant: string,
    name: string,
    { value, seen }: {
      readonly value: number;
      readonly seen: number | undefined;
    },
  ): Promise<boolean> {
    const words = [name, String(value), String(seen ?? "")];
    return this.#do(async () => {
      const [word] = await this.#step("lenient", "mark", tenant, words);
      return word === "ok";
    });
  }

  probe(): Promise<void> {
    return this.#do(async () => {
      await this.#options.redis.step("strict", "probe", []);
      await this.#options.guard.check();
    });
  }

  listen(listener: CommitListener): Promise<AsyncDisposable> {
    return this.#do(() => this.#options.listen(listener));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#working > 0) {
      await new Promise<void>((resolve) => this.#idle = resolve);
    }
    await this.#options.guard[Symbol.asyncDispose]();
    await this.#options.redis[Symbol.asyncDispose]();
  }

  #ask(...words: readonly string[]): Promise<Reply> {
    return this.#options.redis.ask(...words);
  }

  #step(
    leave: "strict" | "lenient",
    name: string,
    tenant: string,
    words: readonly string[],
  ): Promise<readonly Reply[]> {
    const { redis } = this.#options;
    return redis.step(leave, name, [this.#names.tenant(tenant), ...words]);
  }

  /** Runs one method, which the end of the store waits for. */
  #do<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    const working = work();
    this.#working++;
    working.then(this.#over, this.#over);
    return working;
  }
}

/** Characters of a body up to which it is remembered until it is released. */
const PAYLOAD_MAX = 16 * 1024;

/** Comes after every number in a stream. */
const NUMBERLESS = Number.MAX_SAFE_INTEGER;

/** The two parts of a field such as `queued:edge-1`. */
function split(field: string): readonly [string, string] {
  const colon = field.indexOf(":");
  return [field.slice(0, colon), field.slice(colon + 1)];
}
