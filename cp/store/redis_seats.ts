import type { Clock } from "@transporter/sdk";
import {
  ALIVE_MS,
  type OwnedSeat,
  type Replica,
  type Seat,
  type Seating,
} from "../peers/port.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { Names } from "./redis_names.ts";
import { words } from "./redis_rows.ts";

/** Options of {@linkcode RedisSeats}. */
export interface RedisSeatsOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** What things are called there. */
  readonly names: Names;
  /** Names this process. */
  readonly self: string;
  /** Compared with the clock of Redis. */
  readonly clock: Clock;
}

/** Where the names of processes are that had the store open, and what each says of itself. */
const REPLICAS = "tp:replicas";

/** Milliseconds that an answer may take which says what time it is: of that, half may be wrong. */
const ANSWER_MS_MAX = 200;

/** Which processes have the store open, and which agents are connected to each. */
export class RedisSeats {
  readonly #options: RedisSeatsOptions;
  /** How far the clock here is ahead of that of Redis, in milliseconds, as far as that is known. */
  #aheadMs: number | undefined;

  /** Knows nothing yet. */
  constructor(options: RedisSeatsOptions) {
    this.#options = options;
  }

  /** As `Peers.beat` says; `name` is for people. */
  async beat(name: string, { taken, left }: Seating): Promise<void> {
    const { redis, self, clock } = this.#options;
    const seats = [
      ...taken.map((seat) => this.#seat("seat", seat)),
      ...left.map((seat) => this.#seat("unseat", seat)),
    ];
    const said = JSON.stringify({ name, aheadMs: this.#aheadMs });
    const words = [self, said, String(ALIVE_MS)];
    const before = clock.now();
    const alive = redis.step("lenient", "alive", words).then(([, time]) => {
      const after = clock.now();
      if (time === undefined || after - before > ANSWER_MS_MAX) return;
      this.#aheadMs = Math.round((before + after) / 2 - Number(time));
    });
    await Promise.all([alive, ...seats]);
  }

  /** The processes that live. */
  async replicas(): Promise<readonly Replica[]> {
    const { redis } = this.#options;
    const ids = words(await redis.ask("SMEMBERS", REPLICAS));
    if (ids.length === 0) return [];
    const names = await redis.ask("MGET", ...ids.map(replicaKey));
    const known = Array.isArray(names) ? names : [];
    return ids.flatMap((id, i) => {
      const said = known[i];
      return typeof said === "string" ? [{ id, ...readSaid(said) }] : [];
    }).sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }

  /** Where the agents of a tenant are connected, as far as the processes live. */
  async seats(tenant: string): Promise<ReadonlyMap<string, OwnedSeat>> {
    const { redis, names } = this.#options;
    const [all, living] = await Promise.all([
      redis.ask("HGETALL", names.of("seats", tenant)),
      this.replicas(),
    ]);
    const replicas = new Map(living.map((replica) => [replica.id, replica]));
    const pairs = words(all);
    const found = new Map<string, OwnedSeat>();
    for (let i = 0; i < pairs.length; i += 2) {
      const agent = pairs[i] ?? "";
      const [, gen, self = "", said = ""] =
        /^(\d+) (\S+) (.*)$/s.exec(pairs[i + 1] ?? "") ?? [];
      const replica = replicas.get(self);
      if (replica === undefined) continue;
      const seat = { tenant, agent, gen: Number(gen), replica };
      found.set(agent, { ...seat, ...readSeat(said) });
    }
    return found;
  }

  #seat(step: "seat" | "unseat", seat: Seat): Promise<unknown> {
    const { redis, names, self } = this.#options;
    const { tenant, agent, gen, carrier, figures } = seat;
    return redis.step("lenient", step, [
      names.tenant(tenant),
      agent,
      String(gen),
      self,
      JSON.stringify({ carrier, ...figures }),
    ]);
  }
}

function replicaKey(id: string): string {
  return `tp:replica:${id}`;
}

/** What a process says of itself. */
function readSaid(text: string): Omit<Replica, "id"> {
  return JSON.parse(text);
}

/** What a seat says besides its place; older versions say nothing of a carrier. */
function readSeat(text: string): Pick<Seat, "carrier" | "figures"> {
  if (text === "") return {};
  const { carrier, ...figures } = JSON.parse(text);
  return {
    ...(carrier === undefined ? {} : { carrier }),
    ...(figures.at === undefined ? {} : { figures }),
  };
}
