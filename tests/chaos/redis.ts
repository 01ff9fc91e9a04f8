import { Program } from "../program.ts";
import { hasRedis } from "../redis/server.ts";
import { TransporterError } from "@transporter/sdk";
import type { Launch } from "./subject.ts";

/** The name of the Redis server among the processes. */
export const REDIS = "redis";

/** The name of its socket, in its folder. */
const SOCKET = "redis.sock";

/** Has a Redis do nothing else for some milliseconds; nobody waits for it. */
export function sleepRedis(pid: number | undefined, ms: number): void {
  if (pid === undefined) return; // it is down already
  const socket = `/proc/${pid}/cwd/${SOCKET}`;
  new Deno.Command("redis-cli", {
    args: ["-s", socket, "DEBUG", "SLEEP", String(ms / 1000)],
    stdout: "null",
    stderr: "null",
  }).output().catch(() => {}); // killed meanwhile, or no redis-cli: then it does not sleep
}

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
    ...["--enable-debug-command", "local", "--unixsocket", SOCKET],
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
