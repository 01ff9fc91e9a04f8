/**
 * Group commit: one transaction, and so one sync of the disk, for all that is
 * to be written in one turn of the event loop.
 *
 * @module
 */
import { TransporterError } from "@transporter/sdk";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { clearImmediate, setImmediate } from "node:timers";
import { afterInput } from "../turns.ts";
import { closedError } from "./record.ts";

/** Milliseconds after which no further step joins a transaction: the event loop waits while it is written. */
const GROUP_MS = 5;

/**
 * Steps of a transaction, on average, from which on it is worth waiting for
 * more of them, and the event loop has so much to do that it is made to look
 * for input. A few events side by side have fewer, and a wait would be added to
 * each of their steps.
 */
const CROWDED_STEPS = 20;

/** How much the last transaction counts in that average. */
const LAST_WEIGHT = 0.2;

/** Milliseconds from a crowded transaction to the next one: each costs about as much as twenty steps do. */
const PAUSE_MS = 4;

/** Runs something in a later turn of the event loop; returns how to call it off. */
function after(ms: number, run: () => void): () => void {
  if (ms < 1) {
    const timer = setImmediate(run);
    return () => clearImmediate(timer);
  }
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Whether SQLite refused something as there is no room. @see {@link https://www.sqlite.org/rescode.html#full} */
export function isFull(error: unknown): boolean {
  return isSqlite(error) && /database or disk is full/.test(error.message);
}

/** What steps write, gathered by them and written at the end of the transaction. */
export interface Pending {
  /** Writes what was gathered, within the transaction. */
  write(): void;
  /** Forgets what was gathered, and all that was remembered of it: the transaction failed. */
  discard(): void;
  /** There is no room; returns whether some was made, so that it is worth another try. */
  makeRoom(): boolean;
}

/** Milliseconds that a patient step waits for another one to share a transaction with. */
const PATIENCE_MS = 15;

/** Patient steps that wait at most: so many are worth a transaction. */
const PATIENT_MAX = 200;

interface Step {
  /** Whether it may wait for others. */
  readonly patient: boolean;
  /** Does it, and keeps what comes of it. */
  run(): void;
  /** Settles its promise by that, once it is on disk. */
  settle(): void;
  /** Settles its promise when the transaction fails. */
  fail(reason: unknown): void;
}

/** A step that somebody waits for: no closures, as very many may wait at a time. */
class Work<T> implements Step {
  readonly patient: boolean;
  readonly #work: () => T;
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;

  constructor(
    work: () => T,
    { patient, resolve, reject }: {
      readonly patient: boolean;
      readonly resolve: (value: T) => void;
      readonly reject: (reason: unknown) => void;
    },
  ) {
    this.patient = patient;
    this.#work = work;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(): void {
    try {
      this.#outcome = { value: this.#work() };
    } catch (error) {
      if (isSqlite(error)) throw error;
      this.#outcome = { error };
    }
  }

  settle(): void {
    if (this.#outcome === undefined) return;
    if ("value" in this.#outcome) this.#resolve(this.#outcome.value);
    else this.#reject(this.#outcome.error);
  }

  fail(reason: unknown): void {
    this.#reject(unavailable("write to", reason));
  }
}

/** The error of a store that cannot read or commit, `store_unavailable` or `disk_full`; `cause` says why. */
export function unavailable(
  verb: "read" | "write to",
  cause: unknown,
): TransporterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TransporterError(
    isFull(cause) ? "disk_full" : "store_unavailable",
    `Cannot ${verb} the store: ${reason}`,
    { cause },
  );
}

/** The one writer of a database. */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #pending: Pending;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #steps: Step[] = [];
  /** Steps that come after all others of their transaction. */
  #lastSteps: Step[] = [];
  #stopWaiting: (() => void) | undefined;
  /** When the next transaction begins, by `performance.now()`; meaningless while nothing waits. */
  #beginsAt = 0;
  /** Steps of a transaction, on average of the last ones. */
  #stepsOnAverage = 0;
  /** When the next transaction may begin, by `performance.now()`. */
  #nextAt = 0;
  #closed = false;

  /** Takes over the writing; others may read between turns of the event loop. */
  constructor(db: DatabaseSync, pending: Pending) {
    this.#db = db;
    this.#pending = pending;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /**
   * Runs a step in the next transaction. Steps run in order, and each sees what
   * those before it gathered. A step that refuses throws before it gathers
   * anything. When SQLite refuses a group, its steps are tried one by one, so
   * that a step which cannot be written takes no other with it; hence a step
   * may run twice.
   *
   * @param work The step.
   * @param options `patient`: it waits some milliseconds for others, as its transaction would be one more.
   * `last`: it comes after all that is there when its transaction begins, as it works on what they gather.
   * @returns What `work` returned, once it is on disk.
   * @throws What `work` threw; `store_unavailable` or `disk_full` when SQLite refuses.
   */
  add<T>(
    work: () => T,
    { patient = false, last = false }: {
      readonly patient?: boolean;
      readonly last?: boolean;
    } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      (last ? this.#lastSteps : this.#steps)
        .push(new Work(work, { patient, resolve, reject }));
      const waits = patient && this.#waiting < PATIENT_MAX;
      this.#schedule(waits ? performance.now() + PATIENCE_MS : 0);
    });
  }

  /** Commits what waits, and refuses what comes. Repeating it does nothing. */
  close(): void {
    this.#closed = true;
    while (this.#waiting > 0) this.#flush();
    this.#stopWaiting?.();
  }

  get #crowded(): boolean {
    return this.#stepsOnAverage >= CROWDED_STEPS;
  }

  get #waiting(): number {
    return this.#steps.length + this.#lastSteps.length;
  }

  /**
   * After the input that is there by now, so that what came together is
   * committed together. While much comes, a transaction waits a little: fewer
   * and larger ones cost less, and the event loop gets to what brings the next
   * steps. What comes alone does not wait.
   *
   * @param at When the last step wants to begin, by `performance.now()`.
   * @param left Whether they did not fit into the transaction before.
   */
  #schedule(at: number = 0, left: boolean = false): void {
    const beginsAt = Math.max(at, this.#nextAt);
    if (this.#stopWaiting !== undefined && this.#beginsAt <= beginsAt) return;
    this.#stopWaiting?.();
    this.#beginsAt = beginsAt;
    // While very much comes, what came meanwhile is heard before the next transaction.
    const ms = Math.max(0, beginsAt - performance.now());
    const begin = this.#crowded
      ? (run: () => void) => afterInput(run, { ms, long: true, left })
      : (run: () => void) => after(ms, run);
    this.#stopWaiting = begin(() => {
      this.#stopWaiting = undefined;
      const steps = this.#flush();
      this.#stepsOnAverage += LAST_WEIGHT * (steps - this.#stepsOnAverage);
      // What did not fit into the transaction has waited already.
      const rests = this.#crowded && this.#steps.length === 0;
      this.#nextAt = rests ? performance.now() + PAUSE_MS : 0;
      const left = this.#steps.length > 0;
      if (left) this.#schedule(0, left);
    });
  }

  /** Commits what waits, and returns how many steps that were, but for the patient ones. */
  #flush(): number {
    // What does not fit keeps its place, before all that comes from now on.
    this.#steps.push(...this.#lastSteps.splice(0));
    let { taken, refused } = this.#transact(this.#steps);
    if (refused && isFull(refused.error) && this.#pending.makeRoom()) {
      ({ taken, refused } = this.#transact(this.#steps));
    }
    if (refused === undefined) {
      return this.#steps.splice(0, taken).filter(({ patient }) => !patient)
        .length;
    }
    // All that wait when none could begin, as each try may wait for the lock.
    const group = this.#steps.splice(0, taken || this.#steps.length);
    for (const step of group) {
      const alone = taken > 1 ? this.#transact([step]).refused : refused;
      if (alone !== undefined) step.fail(alone.error);
    }
    return group.length;
  }

  /**
   * Runs the first of these steps in one transaction, as many as the time
   * allows, and settles them once it is committed.
   *
   * @returns How many, and why SQLite refused them if it did.
   */
  #transact(steps: readonly Step[]): {
    readonly taken: number;
    readonly refused?: { readonly error: unknown };
  } {
    const until = performance.now() + GROUP_MS;
    let taken = 0;
    try {
      this.#begin.run();
      do {
        steps[taken++]?.run();
      } while (taken < steps.length && performance.now() < until);
      this.#pending.write();
      this.#commit.run();
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.#pending.discard();
      return { taken, refused: { error } };
    }
    for (const step of steps.slice(0, taken)) step.settle();
    return { taken };
  }
}

/** Whether SQLite threw it, rather than a rule of the caller. */
function isSqlite(error: unknown): error is Error {
  return error instanceof Error && "code" in error &&
    error.code === "ERR_SQLITE_ERROR";
}
