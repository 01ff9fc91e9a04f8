import { Program } from "../program.ts";
import { hasRedis } from "../redis/server.ts";
import { TransporterError } from "@transporter/sdk";
import type { Launch } from "./subject.ts";

/** The name of the Redis server among the processes. */
export const REDIS = "redis";

/** The user of a link by which a control plane reaches Redis. */
export function storeUser(controlPlane: string): string {
  return `${controlPlane}-store`;
}

/**
 * Prepares a Redis server that control planes share, on disk before it answers.
 *
 * @param folder Where it keeps everything.
 * @param port Where it listens.
 * @returns Starts it.
 * @throws {TransporterError} `unavailable` when it is not installed.
 */
export async function prepareRedis(
  folder: string,
  port: number,
): Promise<(launch: Launch) => Program> {
  if (!await hasRedis()) {
    throw new TransporterError(
      "unavailable",
      'Cannot run several control planes as there is no "redis-server": install it (Debian: apt-get install redis-server)',
    );
  }
  await Deno.mkdir(folder);
  const line = [
    ...["redis-server", "--bind", "127.0.0.1", "--port", String(port)],
    ...["--appendonly", "yes", "--appendfsync", "always", "--save", "''"],
  ];
  return ({ via }) =>
    Program.shell([...via, ...line].join(" "), { cwd: folder, env: {} });
}

/** Whether a control plane has ended as it cannot start without Redis: then it is started again, and that is all. */
export function lacksRedis(output: string): boolean {
  return /Cannot (open|use|reach|read|write to) the store in Redis/.test(
    output.trimEnd().split("\n").at(-1) ?? "",
  );
}
