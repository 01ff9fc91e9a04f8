import { type Clock, isRecord, type Logger } from "@transporter/sdk";
import { syncFolder } from "@transporter/sdk/folder";

/** How long an event may wait for its next attempt, in milliseconds. */
const KEEP_MS = 24 * 3_600_000;

/** Objects of all events that are remembered. */
const OBJECTS_MAX = 20_000;

/** What {@linkcode Unfinished} needs. */
export interface UnfinishedOptions {
  /** The file that it is kept in; without one it is forgotten with the process. */
  readonly path: string | undefined;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For what goes wrong. */
  readonly log: Logger;
}

/** An event whose last attempt did not do all that it was to do. */
interface Entry {
  readonly at: number;
  /** Its objects, each with the later event that has seen to it since; empty while none has. */
  readonly objects: Map<string, string>;
}

function read(text: string): [string, Entry][] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new SyntaxError("it is no list");
  return list.filter(isRecord).map(({ id, at, objects }) => [
    String(id),
    { at: Number(at), objects: new Map(objects as [string, string][]) },
  ]);
}

/**
 * Events that may be tried again, and which later ones have seen to their
 * objects since; also after a restart, so that the next attempt undoes nothing.
 * Only what failed or was cut off costs a write.
 */
export class Unfinished {
  readonly #options: UnfinishedOptions;
  /** In the order in which they began. */
  readonly #entries: Map<string, Entry>;
  #isChanged = false;
  #saving: Promise<void> = Promise.resolve();

  /** Reads what an earlier process has left; what cannot be read is left out, and said. */
  static async open(options: UnfinishedOptions): Promise<Unfinished> {
    const { path, log } = options;
    try {
      const text = path === undefined ? "[]" : await Deno.readTextFile(path);
      return new Unfinished(options, new Map(read(text)));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        log.warn("Cannot read which events were not finished", { error });
      }
      return new Unfinished(options, new Map());
    }
  }

  /** Made by {@linkcode Unfinished.open}. */
  constructor(options: UnfinishedOptions, entries: Map<string, Entry>) {
    this.#options = options;
    this.#entries = entries;
  }

  /** The events, in the order in which they began. */
  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** An attempt has ended before all was done. */
  add(id: string, objects: readonly string[]): void {
    if (objects.length === 0) return;
    const at = this.#options.clock.now();
    const entry = this.#entries.get(id) ?? { at, objects: new Map() };
    for (const object of objects) {
      if (!entry.objects.has(object)) entry.objects.set(object, "");
    }
    this.#entries.set(id, entry);
    this.#isChanged = true;
    this.#forget(at - KEEP_MS);
  }

  /** An event has done its work on an object, later than those that `isBefore` tells. */
  see(object: string, event: string, isBefore: (id: string) => boolean): void {
    for (const [id, { objects }] of this.#entries) {
      if (id === event || !objects.has(object) || !isBefore(id)) continue;
      objects.set(object, event);
      this.#isChanged = true;
    }
  }

  /** The later event that has seen to an object since. */
  later(object: string, id: string): string | undefined {
    return this.#entries.get(id)?.objects.get(object) || undefined;
  }

  /** All is done. */
  delete(id: string): void {
    if (this.#entries.delete(id)) this.#isChanged = true;
  }

  /** Resolves when what has changed is on disk, or cannot be written, which is said. */
  async save(): Promise<void> {
    if (this.#isChanged) {
      this.#isChanged = false;
      this.#saving = this.#saving.then(() => this.#write());
    }
    await this.#saving;
  }

  async #write(): Promise<void> {
    const { path, log } = this.#options;
    if (path === undefined) return;
    const list = [...this.#entries].map(([id, { at, objects }]) => ({
      ...{ id, at, objects: [...objects] },
    }));
    try {
      await Deno.writeTextFile(`${path}.new`, JSON.stringify(list), {
        mode: 0o600,
      });
      using file = await Deno.open(`${path}.new`, { write: true });
      await file.sync();
      await Deno.rename(`${path}.new`, path);
      const { dirname } = await import("node:path"); // 2 MB, and it is seldom needed
      await syncFolder(dirname(path));
    } catch (error) {
      // The work is worth more than the order after a restart.
      log.warn("Cannot note which events were not finished", { error });
    }
  }

  #forget(before: number): void {
    let count = 0;
    for (const { objects } of this.#entries.values()) count += objects.size;
    for (const [id, { at, objects }] of this.#entries) {
      if (at >= before && count <= OBJECTS_MAX) break;
      count -= objects.size;
      this.#entries.delete(id);
    }
  }
}
