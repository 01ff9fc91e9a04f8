import { type ErrorCode, TransporterError } from "@transporter/sdk";
import { lockFolder, openFolder, syncFolder } from "@transporter/sdk/folder";
import type { JournalFile } from "./journal.ts";

/** What systems say when there is no room: on the disk, or left to this user. */
const NO_ROOM: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

/** Room set aside for ends, in bytes: two of the longest. */
const RESERVE_BYTES = 4 * 1024 * 1024;

function isNoRoom(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && NO_ROOM.has(cause.code);
}

function refuse(
  path: string,
  cause: unknown,
  code: ErrorCode = isNoRoom(cause) ? "disk_full" : "store_unavailable",
): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new TransporterError(
    code,
    `Cannot use the journal "${path}": ${reason}`,
    { cause },
  );
}

/** Writes a whole file as one durable step: it is there with all its bytes, or as it was. */
async function writeFile(
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const path = `${folder}/${name}`;
  try {
    using file = await Deno.open(`${path}.new`, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    await writeAll(file, bytes);
    await file.sync();
  } catch (error) {
    await removeIfThere(`${path}.new`); // half of it takes room that there is not
    throw error;
  }
  await Deno.rename(`${path}.new`, path);
  await syncFolder(folder);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}

function writeAllNow(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function cutTo(file: Deno.FsFile, at: number): Promise<void> {
  const { size } = await file.stat();
  if (size > at) await file.truncate(at);
  if (size < at) throw new Error(`it has ${size} bytes of ${at}`);
}

/** The name of the journal in its folder. */
const NAME = "agent.journal";

/** A journal on disk: the file `agent.journal` of a folder. */
class DiskJournalFile implements JournalFile {
  readonly #folder: string;
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  /** Where the file is known to end; `undefined` while that is not known. */
  #end: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/${NAME}`;
  }

  async read(): Promise<Uint8Array> {
    try {
      return await Deno.readFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Uint8Array();
      refuse(this.#path, error);
    }
  }

  async append(bytes: Uint8Array, at: number): Promise<void> {
    let file: Deno.FsFile;
    try {
      file = this.#file ??= await Deno.open(this.#path, { append: true });
      // After a write that was cut short, and for what was torn before this process.
      if (this.#end !== at) await cutTo(file, at);
      this.#end = undefined;
      // Into the system's cache, which takes microseconds; the turn on another thread costs more.
      writeAllNow(file, bytes);
    } catch (error) {
      refuse(this.#path, error);
    }
    try {
      await file.syncData();
      this.#end = at + bytes.length;
    } catch (cause) {
      // The system may have dropped what it could not write: trying again would hide that.
      refuse(this.#path, cause, "store_unavailable");
    }
  }

  async replace(bytes: Uint8Array): Promise<void> {
    try {
      await writeFile(this.#folder, NAME, bytes);
      this.#close();
    } catch (error) {
      refuse(this.#path, error);
    }
  }

  async reserve(wanted: boolean): Promise<boolean> {
    const path = `${this.#folder}/agent.reserve`;
    try {
      const there = await sizeOf(path) === RESERVE_BYTES;
      if (wanted === there) return there;
      if (!wanted) await removeIfThere(path);
      else {
        await writeFile(
          this.#folder,
          "agent.reserve",
          new Uint8Array(RESERVE_BYTES),
        );
      }
      return wanted;
    } catch (error) {
      if (wanted && isNoRoom(error)) return false;
      refuse(path, error);
    }
  }

  async backup(version: number): Promise<void> {
    const name = `${NAME}.v${version}`;
    try {
      await writeFile(this.#folder, name, await Deno.readFile(this.#path));
    } catch (error) {
      refuse(`${this.#folder}/${name}`, error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#end = undefined;
  }
}

/**
 * The driver that keeps a journal on disk. The folder is there and belongs to
 * this process ({@link https://man7.org/linux/man-pages/man2/fsync.2.html}: a
 * file is durable once it and its folder are synced).
 *
 * Beside it are `agent.reserve`, which takes room that the ends of events can
 * have when the disk is full, and copies of journals of older versions.
 *
 * @param folder Where `agent.journal` is, or will be.
 */
export function diskJournal(folder: string): JournalFile {
  return new DiskJournalFile(folder);
}

/**
 * Takes a folder for this process alone, and opens the journal in it.
 *
 * @param folder Where it is, or will be; made where it is missing.
 * @param resources Lets go of the folder when it is disposed.
 * @throws {TransporterError} `usage` without a folder, `folder_in_use` when another process has it.
 */
export async function openDiskJournal(
  folder: string | undefined,
  resources: AsyncDisposableStack,
): Promise<JournalFile> {
  if (folder === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot start the agent without --data-dir",
    );
  }
  await openFolder(folder);
  resources.use(await lockFolder(folder, { program: "transporter agent" }));
  return diskJournal(folder);
}
