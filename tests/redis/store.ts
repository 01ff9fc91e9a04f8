import { type Clock, systemClock } from "@transporter/sdk";
import { openRedisStore } from "../../cp/store/redis.ts";
import type { SharedStore } from "../../cp/store/shared.ts";
import { type RedisOptions, type RedisServer, startRedis } from "./server.ts";

/** A server, and stores in it. */
export interface Place extends AsyncDisposable {
  /** The server. */
  readonly redis: RedisServer;
  /** Opens the store once more, as another process would; it is closed in the end. */
  open(clock?: Clock): Promise<SharedStore>;
}

/** Starts a server with a store of its own. */
export async function startPlace(options: RedisOptions = {}): Promise<Place> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis(options));
  const held = opened.move();
  return {
    redis,
    open: async (clock = systemClock) =>
      held.use(await openRedisStore({ url: redis.url, clock })),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
