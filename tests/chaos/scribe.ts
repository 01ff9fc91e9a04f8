import type { Entry } from "../history/entry.ts";
import { entryLine } from "../history/lines.ts";

/** Writes the history of a run down as it happens, so that an interrupted run leaves its own behind. */
export class Scribe implements Disposable {
  /** Where the history is. */
  readonly path: string;
  readonly #file: Deno.FsFile;

  /** Starts a new history. */
  constructor(path: string) {
    this.path = path;
    this.#file = Deno.openSync(path, { createNew: true, append: true });
  }

  /** Writes an entry. */
  write(entry: Entry): void {
    this.add(entryLine(entry));
  }

  /** Adds lines that somebody else wrote. */
  add(lines: string): void {
    const bytes = new TextEncoder().encode(lines);
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
