import { type Clock, TransporterError } from "@transporter/sdk";
import { changeRecord, checkGeneration, releaseChange } from "./record.ts";
import type { Changes } from "./redis_changes.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { Reply } from "./redis_group.ts";
import { entryLine } from "./redis_history.ts";
import { type Names, readMember } from "./redis_names.ts";
import { readEvent, type Versioned, words, writeWords } from "./redis_rows.ts";
import type { EventChange, Release, ReleasedEvent } from "./store.ts";

/** How often somebody else may be faster; each time, somebody's change was written. */
const TRIES_MAX = 1000;

/** Events that are read at a time, at least: some may not be wanted. */
const READ_MIN = 16;

interface Chosen extends Versioned {
  readonly change: EventChange;
}

/** What a release begins with. */
interface Choice {
  readonly seq: number;
  readonly chosen: readonly Chosen[];
}

/** Options of {@linkcode Releases}. */
export interface ReleasesOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** What things are called there. */
  readonly names: Names;
  /** What stamps changes. */
  readonly clock: Clock;
  /** Reads events, and remembers them. */
  readonly changes: Changes;
}

/** Releases events: what is next is read, decided here, and written if all of it is still so. */
export class Releases {
  readonly #options: ReleasesOptions;
  /** The last release of each agent, so that those of this process are not in each other's way. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** Releases nothing yet. */
  constructor(options: ReleasesOptions) {
    this.#options = options;
  }

  /** As {@linkcode Store.releaseEvents} says. */
  async release(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]> {
    const key = this.#options.names.about("agent", tenant, release.agent);
    const before = this.#turns.get(key);
    const turn = before === undefined
      ? this.#release(tenant, release)
      : before.then(() => this.#release(tenant, release));
    const over = turn.catch(() => {});
    this.#turns.set(key, over);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === over) this.#turns.delete(key);
    }
  }

  async #release(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      // What is remembered need not be sent; who was too slow asks for all, to be as fast as the other one.
      const choice = await this.#choose(tenant, release, tries > 0);
      if (choice === undefined || choice.chosen.length === 0) return [];
      const released = await this.#write(tenant, release, choice);
      if (released) return released;
    }
    throw new TransporterError(
      "store_unavailable",
      `Cannot release events of agent "${release.agent}" as others were faster ${TRIES_MAX} times`,
    );
  }

  /** What is next in turn, as far as it may be released. */
  async #choose(
    tenant: string,
    release: Release,
    whole: boolean,
  ): Promise<Choice | undefined> {
    const { redis, names } = this.#options;
    const { agent, gen, at, bytesMax } = release;
    const chosen: Chosen[] = [];
    let bytes = 0;
    for (let from = 0;;) {
      const count = Math.max(READ_MIN, Math.min(release.eventsMax, 256));
      const reply = await redis.step("lenient", "next", [
        names.tenant(tenant),
        agent,
        String(gen),
        String(at),
        String(from),
        String(from + count - 1),
        whole ? "1" : "",
      ]);
      if (!isOk(reply, release)) return undefined;
      const seq = Number(reply[1]);
      const room = (release.seqMax ?? Infinity) - seq + 1;
      const eventsMax = Math.min(release.eventsMax, Math.max(0, room));
      const found = await this.#read(tenant, reply.slice(2));
      for (const event of found) {
        if (chosen.length >= eventsMax) return { seq, chosen };
        const change = event && release.decide(event.record);
        if (!event || !change) continue;
        bytes += event.record.bytes;
        if (chosen.length > 0 && bytes > bytesMax) return { seq, chosen };
        chosen.push({ ...event, change: releaseChange(event.record, change) });
      }
      if (found.length < count) return { seq, chosen };
      from += count;
    }
  }

  /** Reads those that are not remembered as they are; `queued` are members of the queue, each with its record or its version. */
  #read(
    tenant: string,
    queued: readonly Reply[],
  ): Promise<readonly (Versioned | undefined)[]> {
    const { names, changes } = this.#options;
    const found: (Versioned | undefined | Promise<Versioned | undefined>)[] =
      [];
    for (let i = 0; i < queued.length; i += 2) {
      const told = queued[i + 1];
      if (Array.isArray(told)) {
        found.push(readEvent(tenant, told));
        continue;
      }
      const { enq, id } = readMember(String(queued[i]));
      const known = changes.seen.get(names.event(tenant, id));
      // By its place in the order of acceptance, too: long after, another event may have its id.
      const isSo = known?.version === told && known?.record.enq === enq;
      found.push(isSo ? known : changes.read(tenant, id));
    }
    return Promise.all(found);
  }

  /** @returns `undefined` when something is not any more as it was read. */
  async #write(
    tenant: string,
    release: Release,
    { seq: first, chosen }: Choice,
  ): Promise<readonly ReleasedEvent[] | undefined> {
    const { redis, names, clock, changes } = this.#options;
    const { agent, gen } = release;
    const at = clock.now();
    const next = chosen.map(({ record, change }, i) =>
      changeRecord(record, change, { at, seq: first + i })
    );
    const reply = await redis.step("lenient", "release", [
      names.tenant(tenant),
      agent,
      String(gen),
      String(first),
      ...chosen.flatMap(({ record, version, payload, change }, i) => {
        const now = next[i] ?? record;
        return [
          record.spec.id,
          version,
          payload === undefined ? "1" : "",
          ...writeWords(now, record, {
            replaces: false,
            lines: [entryLine(now.revision, change)],
          }),
        ];
      }),
    ]);
    if (!isOk(reply, release)) return undefined;
    const bodies = words(reply.slice(1));
    return next.map((record, i) => {
      const version = String(Number(chosen[i]?.version) + 1);
      const key = names.event(tenant, record.spec.id);
      changes.seen.set(key, { record, version });
      const payload = JSON.parse(chosen[i]?.payload ?? bodies[i] ?? "null");
      return { record, spec: { ...record.spec, payload } };
    });
  }
}

function isOk(reply: readonly Reply[], { agent, gen }: Release): boolean {
  if (reply[0] === "superseded") {
    checkGeneration({ id: agent, gen: Number(reply[1]) }, gen);
  }
  return reply[0] === "ok";
}
