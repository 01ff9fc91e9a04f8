import { Program } from "../program.ts";
import { hasRedis } from "../redis/server.ts";
import { TransporterError } from "@transporter/sdk";
import { delay } from "./delay.ts";
import type { Launch, Subject } from "./subject.ts";

/** The name of the Redis server among the processes. */
export const REDIS = "redis";

/** The name of its socket, in its folder. */
const SOCKET = "redis.sock";

/** Milliseconds between tries to reach a Redis that has just been started. */
const AGAIN_MS = 50;

/**
 * Has a Redis do nothing else for some milliseconds, and waits until it answers
 * again.
 *
 * @param redis Its process; it may end meanwhile.
 * @param ms How long; it may be reached for the first time within that, too.
 * @throws {Error} What it said when it did not sleep.
 */
export async function sleepRedis(redis: Subject, ms: number): Promise<void> {
  const { program } = redis;
  if (program === undefined) return; // it is down already
  const socket = `/proc/${program.pid}/cwd/${SOCKET}`;
  for (let left = ms;; left -= AGAIN_MS) {
    const { success, stdout, stderr } = await new Deno.Command("redis-cli", {
      args: ["-e", "-s", socket, "DEBUG", "SLEEP", String(ms / 1000)],
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (success || redis.program !== program) return;
    const decoder = new TextDecoder();
    const said = `${decoder.decode(stderr)}${decoder.decode(stdout)}`.trim();
    if (left <= 0 || !said.startsWith("Could not connect")) {
      throw new Error(`"${redis.name}" did not sleep: ${said}`);
    }
    await delay(AGAIN_MS);
  }
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
  if (output.includes('"message":"Control plane listens"')) return false;
  return /Cannot (open|use|reach|read|write to) the store in Redis/.test(
    output.trimEnd().split("\n").at(-1) ?? "",
  );
}
