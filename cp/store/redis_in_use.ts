import { TransporterError } from "@transporter/sdk";
import type { RedisConnection } from "./redis_connection.ts";

/**
 * Refuses a store that somebody else has open.
 *
 * @param redis A connection to it.
 * @param db The number of its database.
 * @throws {TransporterError} `conflict`.
 */
export async function refuseUsed(
  redis: RedisConnection,
  db: number,
): Promise<void> {
  const [own, all] = await Promise.all([
    redis.ask("CLIENT", "ID"),
    redis.ask("CLIENT", "LIST"),
  ]);
  for (const line of String(all).split("\n")) {
    const of = (name: string) =>
      new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? "";
    if (!of("name").startsWith("transporter")) continue;
    if (of("id") === String(own) || of("db") !== String(db)) continue;
    throw new TransporterError(
      "conflict",
      `Cannot move the store as ${
        of("addr")
      } has it open: stop every control plane that uses it`,
    );
  }
}
