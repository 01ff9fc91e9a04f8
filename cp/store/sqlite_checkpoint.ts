/**
 * Checkpoints of the SQLite store, in a thread of their own: a commit that
 * moves thousands of pages from the write-ahead log into the file, and waits
 * until the disk has them, would hold up everything else for as long.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { number } from "./sqlite_rows.ts";
import { Thread } from "./sqlite_thread.ts";

/**
 * Pages of the write-ahead log that are worth a checkpoint: 16 MB. A page that
 * many transactions change is moved once.
 */
export const WAL_PAGES = 4000;

/** So few pages are moved between two transactions: what is written next begins the log anew. */
const LEFT_PAGES = 200;

/** How often the thread tries at most: each time has less to move than the one before. */
const ROUNDS_MAX = 4;

/** The thread's program. */
const PROGRAM = `
import { DatabaseSync } from "node:sqlite";
let db;
let checkpoint;
function answer(path) {
  try {
    db ??= new DatabaseSync(path);
    checkpoint ??= db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
    checkpoint.get();
    return true;
  } catch {
    return false; // the disk refuses, and so it will a commit, which has somebody to tell
  }
}
function close() {
  db?.close();
}`;

/**
 * Moves what commits have put into the write-ahead log. What it does not get
 * to, as where the disk refuses, a commit moves by itself once the log has the
 * size at which SQLite does.
 */
export class Checkpointer implements AsyncDisposable {
  readonly #path: string;
  readonly #look: StatementSync;
  readonly #checkpoint: StatementSync;
  /** From the first checkpoint on. */
  #thread: Thread<string, boolean> | undefined;
  #running: Promise<void> | undefined;
  /** Whether little is left, so that the writer can begin the log anew. */
  #finishing = false;
  /** Pages from which on there is a checkpoint. */
  #dueAt = WAL_PAGES;

  /** For the database that this connection reads, whose file is at the path. */
  constructor(db: DatabaseSync, path: string) {
    this.#path = path;
    this.#look = db.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** Does what is due. Called after a commit, while nobody writes: only then can all of the log be moved. */
  look(): void {
    if (this.#finishing) {
      this.#finishing = false;
      this.#checkpoint.get();
    } else if (this.#running === undefined && this.#left() >= this.#dueAt) {
      this.#running = this.#run();
    }
  }

  /** Ends the thread, once what it does is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
    await this.#thread?.[Symbol.asyncDispose]();
  }

  /** Pages of the log that are not in the file yet. */
  #left(): number {
    const row = this.#look.get() ?? {};
    return number(row, "log") - number(row, "checkpointed");
  }

  async #run(): Promise<void> {
    const thread = this.#thread ??= new Thread(PROGRAM);
    let left = Infinity;
    let done = true;
    for (
      let round = 0;
      done && left > LEFT_PAGES && round < ROUNDS_MAX;
      round++
    ) {
      // Without a thread, too, it is left to commits.
      done = await thread.ask(this.#path).catch(() => false);
      left = this.#left();
    }
    this.#dueAt = done ? WAL_PAGES : left + WAL_PAGES;
    this.#finishing = done;
    this.#running = undefined;
  }
}
