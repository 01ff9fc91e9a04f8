import type { RedisConnection } from "./redis_connection.ts";
import { type Names, readMember } from "./redis_names.ts";
import type { Changes } from "./redis_changes.ts";
import { tombstoneWord, words } from "./redis_rows.ts";
import type { Sweep } from "./store.ts";

/** Options of {@linkcode sweepRedis}. */
export interface SweepOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** What things are called there. */
  readonly names: Names;
  /** Who reads events. */
  readonly changes: Changes;
}

/**
 * Removes events that ended long ago, and what stays of those whose time is
 * over. An event that somebody opens again in between stays.
 *
 * @returns How many were removed.
 */
export async function sweepRedis(
  { redis, names, changes }: SweepOptions,
  { finishedBefore, finishedMax, until, at, limit }: Sweep,
): Promise<number> {
  const [, ended, ranked] = await Promise.all([
    redis.step("lenient", "forget", [String(at), String(limit)]),
    redis.ask("ZCARD", "tp:ended"),
    redis.ask("ZRANGE", "tp:ended", "0", String(limit - 1), "WITHSCORES"),
  ]);
  const tooMany = Number(ended) - finishedMax;
  const all = words(ranked);
  const removed: string[] = [];
  for (let i = 0; i < all.length; i += 2) {
    const [member = "", finishedAt] = all.slice(i, i + 2);
    if (Number(finishedAt) < finishedBefore || i / 2 < tooMany) {
      removed.push(member);
    }
  }
  const buried = await Promise.all(removed.map(async (member) => {
    const { tenant, id } = readMember(member);
    const event = await changes.read(tenant, id);
    if (!event) return 0;
    const { record, version } = event;
    const end = until(record);
    const reply = await redis.step("lenient", "bury", [
      names.tenant(tenant),
      id,
      version,
      tombstoneWord(
        { id, digest: record.digest, state: record.state, until: end },
        record.idempotencyKey,
      ),
      record.idempotencyKey ?? "",
      String(end),
      ...names.traits(record),
    ]);
    changes.seen.set(names.event(tenant, id), undefined);
    return reply[0] === "ok" ? 1 : 0;
  }));
  return buried.reduce<number>((sum, count) => sum + count, 0);
}
