import { TransporterError } from "@transporter/sdk";
import { statfs } from "node:fs/promises";

/** Far more than a run writes; a tmpfs takes only what is written. */
const ROOM_BYTES = 2 * 1024 ** 3;

/** A folder whose disk can be full, or read-only. */
export interface Disk extends AsyncDisposable {
  /** The folder. */
  readonly path: string;
  /** From now on nothing more fits. */
  fill(): Promise<void>;
  /** From now on nothing can be written; only while nobody has a file open there. */
  protect(): Promise<void>;
  /** There is room, and it can be written. Repeating it does nothing. */
  heal(): Promise<void>;
}

/**
 * Why folders on disks of their own cannot be had here; `undefined` when they
 * can. A quota would do as well, and a limit on the size of files would not:
 * its signal ends the runtime.
 */
export async function whyNoDisk(folder: string): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "a tmpfs takes Linux";
  if (Deno.uid() !== 0) return "mounting a tmpfs takes root";
  try {
    await Deno.mkdir(folder, { recursive: true });
    await using _disk = await smallDisk(folder);
    return undefined;
  } catch (error) {
    return TransporterError.from(error).message;
  }
}

/** How often a disk is tried to be filled that is written to. */
const FILL_TRIES_MAX = 10;

/** Mounts a tmpfs on a folder that is there; disposing unmounts it. */
export async function smallDisk(path: string): Promise<Disk> {
  await mount("-t", "tmpfs", "-o", `size=${ROOM_BYTES}`, "tmpfs", path);
  return {
    path,
    async fill() {
      for (let tries = 1;; tries++) {
        const { blocks, bfree, bsize } = await statfs(path);
        const size = (blocks - bfree) * bsize;
        try {
          return await mount("-o", `remount,size=${size}`, path);
        } catch (error) {
          // Something was written meanwhile, and it cannot be that small any more.
          if (tries === FILL_TRIES_MAX) throw error;
        }
      }
    },
    protect: () => mount("-o", "remount,ro", path),
    heal: () => mount("-o", `remount,rw,size=${ROOM_BYTES}`, path),
    [Symbol.asyncDispose]: () => run("umount", path),
  };
}

function mount(...args: readonly string[]): Promise<void> {
  return run("mount", ...args);
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim().split("\n")[0];
  throw new TransporterError(
    "failed",
    `Cannot run "${command} ${args.join(" ")}": ${said}`,
  );
}
