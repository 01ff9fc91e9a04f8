import { join } from "node:path";
import type { RedisServer } from "./server.ts";

/** The file that a Redis adds to as it writes. */
export async function aofOf({ dir }: RedisServer): Promise<string> {
  const folder = join(dir, "appendonlydir");
  for await (const { name } of Deno.readDir(folder)) {
    if (/\.incr\.aof$/.test(name)) return join(folder, name);
  }
  throw new Error(`There is no AOF in "${folder}"`);
}

/** How much a Redis has written and synced, in bytes: with `appendfsync always`, all that it answered. */
export async function aofBytes(redis: RedisServer): Promise<number> {
  return (await Deno.stat(await aofOf(redis))).size;
}

/** Kills a Redis, takes the end of its AOF away, as a damaged disk or an older copy does, and starts it again. */
export async function comeBackWith(
  redis: RedisServer,
  bytes: number,
): Promise<void> {
  await redis.kill("SIGKILL");
  await Deno.truncate(await aofOf(redis), bytes);
  await redis.start();
}
