import { TransporterError } from "@transporter/sdk";
import { syncFolder } from "@transporter/sdk/folder";
import type { JournalFile } from "./journal.ts";

function refuse(path: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new TransporterError(
    "store_unavailable",
    `Cannot use the journal "${path}": ${reason}`,
    {
      cause,
    },
  );
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}

/** A journal on disk: the file `agent.journal` of a folder. */
class DiskJournalFile implements JournalFile {
  readonly #folder: string;
  readonly #path: string;
  #file: Deno.FsFile | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/agent.journal`;
  }

  async read(): Promise<Uint8Array> {
    try {
      return await Deno.readFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Uint8Array();
      refuse(this.#path, error);
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      this.#file ??= await Deno.open(this.#path, { append: true });
      await writeAll(this.#file, bytes);
      await this.#file.syncData();
    } catch (error) {
      refuse(this.#path, error);
    }
  }

  async replace(bytes: Uint8Array): Promise<void> {
    const path = `${this.#path}.new`;
    try {
      {
        using file = await Deno.open(path, {
          write: true,
          create: true,
          truncate: true,
          mode: 0o600,
        });
        await writeAll(file, bytes);
        await file.sync();
      }
      await Deno.rename(path, this.#path);
      await syncFolder(this.#folder);
      this.#close();
    } catch (error) {
      refuse(this.#path, error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/**
 * The driver that keeps a journal on disk. The folder is there and belongs to
 * this process ({@link https://man7.org/linux/man-pages/man2/fsync.2.html}: a
 * file is durable once it and its folder are synced).
 *
 * @param folder Where `agent.journal` is, or will be.
 */
export function diskJournal(folder: string): JournalFile {
  return new DiskJournalFile(folder);
}
