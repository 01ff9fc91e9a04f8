import { join } from "node:path";
import { userCacheDir } from "../../deploy/localkube/mod.ts";
import { findOrBuildNats } from "../nats/build.ts";
import { natsConfig } from "../nats/server.ts";
import { Program } from "../program.ts";
import type { Launch } from "./subject.ts";

/** The name of the NATS server among the processes, and of its user among the links. */
export const BROKER = "nats";

/**
 * Prepares a NATS server that agents are served over.
 *
 * @param folder Where it keeps everything.
 * @param port Where it listens.
 * @returns Starts it.
 */
export async function prepareBroker(
  folder: string,
  port: number,
): Promise<(launch: Launch) => Program> {
  const program = await findOrBuildNats({
    cacheDir: userCacheDir((name) => Deno.env.get(name)),
  });
  await Deno.mkdir(folder);
  const path = join(folder, "nats.conf");
  const ports = { nats: port, websocket: undefined };
  await Deno.writeTextFile(path, natsConfig(folder, { ports }));
  return ({ via }) =>
    Program.shell([...via, program, "-c", path].join(" "), {
      cwd: folder,
      env: {},
    });
}
