/**
 * A data folder belongs to one process at a time. The lock is the kernel's
 * ({@link https://man7.org/linux/man-pages/man2/flock.2.html}), so that it goes
 * with its process, however that ends.
 *
 * @example Usage
 * ```ts
 * import { lockFolder, openFolder } from "@transporter/sdk/folder";
 * import { rejects } from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * await openFolder(`${folder}/data`);
 * {
 *   await using _lock = await lockFolder(`${folder}/data`, { program: "transporter cp" });
 *   await rejects(lockFolder(`${folder}/data`, { program: "transporter cp" }), { code: "folder_in_use" });
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @module
 */
import { TransporterError } from "./error.ts";

/** What {@linkcode lockFolder} writes down for whoever comes second. */
export interface LockFolderOptions {
  /** What the process is, such as `transporter cp`. */
  readonly program: string;
}

function refuse(path: string, cause: unknown): never {
  const reason = cause instanceof Deno.errors.AlreadyExists
    ? "a file has its name"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  throw new TransporterError(
    "store_unavailable",
    `Cannot use the data folder "${path}": ${reason}`,
    { cause },
  );
}

/**
 * Makes the names in a folder durable, as a file's own `sync` does not.
 *
 * @param path The folder, which is there. What the system throws comes as it is.
 */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The folders that get an entry when a folder is made, with what leads to it. */
async function changedBy(path: string): Promise<string[]> {
  if (await exists(path)) return [];
  const { dirname, resolve } = await import("node:path"); // 2 MB, for a first start alone
  const changed: string[] = [];
  for (let at = resolve(path); !await exists(at); at = dirname(at)) {
    changed.push(dirname(at));
  }
  return changed;
}

/**
 * Makes a data folder that only its owner can enter, and what leads to it. One
 * that is there already is left as it is. Repeating it does nothing.
 *
 * @param path Where it is, or shall be.
 * @throws {TransporterError} `store_unavailable` when it cannot be made, or is not a folder.
 */
export async function openFolder(path: string): Promise<void> {
  try {
    const changed = await changedBy(path);
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    for (const folder of changed) await syncFolder(folder);
  } catch (error) {
    refuse(path, error);
  }
}

/**
 * Locks a data folder for this process until the lock is disposed or the
 * process ends. Disposing twice does nothing.
 *
 * @param path The folder, which is there.
 * @param options Who locks it.
 * @throws {TransporterError} `folder_in_use`, naming the process that has it; `store_unavailable` when
 * the folder cannot be written to.
 */
export async function lockFolder(
  path: string,
  options: LockFolderOptions,
): Promise<AsyncDisposable> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(`${path}/lock`, {
      read: true,
      write: true,
      create: true,
      mode: 0o600,
    });
  } catch (error) {
    refuse(path, error);
  }
  try {
    if (!await file.tryLock(true)) {
      const holder = await readText(file) || "another process";
      throw new TransporterError(
        "folder_in_use",
        `Cannot use the data folder "${path}" as ${holder} has it: stop that process, or name another folder`,
      );
    }
    // The file stays when the lock goes: removing it would let two processes lock two files of one name.
    await file.truncate();
    await file.write(
      new TextEncoder().encode(`${options.program} (process ${Deno.pid})\n`),
    );
  } catch (error) {
    file.close();
    if (error instanceof TransporterError) throw error;
    refuse(path, error);
  }
  let locked = true;
  return {
    async [Symbol.asyncDispose]() {
      if (!locked) return;
      locked = false;
      // A program that is being started has the file open, too, until it runs: closing ours would not be enough.
      await file.unlock();
      file.close();
    },
  };
}

/** Reads what the holder wrote; empty when it is only about to. */
async function readText(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(256);
  const length = await file.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, length)).trim();
}
