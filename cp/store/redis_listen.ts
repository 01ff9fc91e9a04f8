import { Redis } from "ioredis";
import {
  driverOptions,
  endOf,
  type RedisConnectionOptions,
} from "./redis_driver.ts";
import { redisError } from "./redis_error.ts";
import type { CommitListener, CommitNote } from "./shared.ts";

/** Milliseconds between two tries to listen again, at most. */
const RETRY_MS_MAX = 1000;

/** Milliseconds between two signs of life that are asked for: nobody else says that a listener's connection is gone. */
const PING_MS = 3000;

/**
 * Listens to what is committed to a store, on a connection of its own.
 *
 * @throws {TransporterError} `store_unavailable` when that cannot begin.
 */
export async function listenToRedis(
  options: RedisConnectionOptions,
  storeId: string,
  listener: CommitListener,
): Promise<AsyncDisposable> {
  const channel = `tp:notes:${storeId}`;
  let listens = false;
  const redis = new Redis({
    ...driverOptions(options),
    connectionName: "transporter-listen",
    lazyConnect: true,
    autoResubscribe: false,
    retryStrategy: (tries) =>
      listens ? Math.min(50 * 2 ** Math.min(tries, 9), RETRY_MS_MAX) : null,
  });
  redis.on("error", () => {}); // it tries again, and says that something may have been missed
  redis.on("message", (_, text) => {
    readNotes(text, (note) => listener.committed(note));
  });
  try {
    await redis.connect();
    await redis.subscribe(channel);
  } catch (error) {
    await endOf(redis);
    throw redisError("open", error);
  }
  listens = true;
  redis.on("ready", () => {
    redis.subscribe(channel).then(
      () => listener.missed(),
      () => redis.disconnect(true),
    );
  });
  const timer = setInterval(() => {
    if (redis.status === "ready") redis.ping().catch(() => {});
  }, PING_MS);
  return {
    async [Symbol.asyncDispose]() {
      listens = false;
      clearInterval(timer);
      await endOf(redis);
    },
  };
}

/** Hands on what one run of the script tells: several notes, each of which may be about several changes of one event. */
function readNotes(text: string, take: (note: CommitNote) => void): void {
  const { from, notes }: Told = JSON.parse(text);
  for (let i = 0; i < notes.length; i += 5) {
    const tenant = decodeURIComponent(String(notes[i]));
    const agent = String(notes[i + 1]);
    const event = String(notes[i + 2]);
    const [first, last] = [Number(notes[i + 3]), Number(notes[i + 4])];
    take(
      event === ""
        ? { from, tenant, agent, first, last }
        : { from, tenant, agent, event, first, last },
    );
  }
}

/** What the script tells. */
interface Told {
  /** Who wrote. */
  readonly from: string;
  /** Five values for each note: see `say` in the script. */
  readonly notes: readonly (string | number)[];
}
