import { TransporterError } from "@transporter/sdk";
import { syncFolder } from "@transporter/sdk/folder";

/** Room set aside for what has been accepted, in bytes: its ends take far less. */
export const RESERVE_BYTES = 8 * 1024 * 1024;

/** How often is looked whether there is room again, in milliseconds. */
const LOOK_MS = 1000;

/** What a store does about a full disk. */
export interface Room extends AsyncDisposable {
  /**
   * Refuses what is not about accepted events while there is no room.
   *
   * @throws {TransporterError} `disk_full`.
   */
  check(): void;
  /** The disk is full: returns whether some room was made, so that it is worth another try. */
  make(): boolean;
}

/** Room that nobody looks after. */
export const NO_ROOM: Room = {
  check() {},
  make: () => false,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * A file beside the store that takes room on the disk while there is some. When
 * the disk is full it goes, so that what becomes of accepted events can still
 * be written; it comes back by itself once there is room again.
 */
export class Reserve implements Room {
  readonly #path: string;
  readonly #folder: string;
  #full = false;
  #taking: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Takes the room; resolves once it is known whether there was some. Until then
   * what is new could use up what is left for what was accepted.
   */
  static async take(folder: string, name: string): Promise<Reserve> {
    const reserve = new Reserve(folder, name);
    await reserve.#taking;
    return reserve;
  }

  /** Begins to take the room. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#path = `${folder}/${name}`;
    this.#taking = this.#take();
  }

  check(): void {
    if (!this.#full) return;
    throw new TransporterError(
      "disk_full",
      `Cannot take more as the disk of "${this.#folder}" has less than ${
        RESERVE_BYTES / 1024 / 1024
      } MiB left: make room, and it goes on by itself`,
    );
  }

  make(): boolean {
    this.#lookLater();
    return this.#remove();
  }

  /** Stops looking for room; the file stays for the next process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#taking;
  }

  #lookLater(): void {
    this.#full = true;
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#taking = this.#taking.then(() => this.#take());
    }, LOOK_MS);
  }

  /** Takes the room; without any, nothing of it is left behind, and it tries again. */
  async #take(): Promise<void> {
    try {
      const { size } = await Deno.stat(this.#path).catch(() => ({ size: 0 }));
      if (size !== RESERVE_BYTES) await this.#write();
      // Unless it was given away meanwhile: then it is looked for again.
      if (this.#timer === undefined) this.#full = false;
    } catch {
      // No room, or no right to write: to find that out is what this is for.
      this.#remove();
      this.#lookLater();
    }
  }

  async #write(): Promise<void> {
    const options = { write: true, create: true, truncate: true, mode: 0o600 };
    using file = await Deno.open(this.#path, options);
    const bytes = new Uint8Array(RESERVE_BYTES);
    for (let at = 0; at < bytes.length;) {
      at += await file.write(bytes.subarray(at));
    }
    await file.sync(); // some file systems find out only now
    await syncFolder(this.#folder);
  }

  #remove(): boolean {
    try {
      Deno.removeSync(this.#path);
      return true;
    } catch {
      return false; // there is none; or the disk is read-only, which the next write says
    }
  }
}
