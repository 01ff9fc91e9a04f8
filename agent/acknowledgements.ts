import {
  type Clock,
  deadline,
  type Executor,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import type { Journal } from "./journal.ts";
import type { JournalEntry } from "./journal_record.ts";

/** Options of {@linkcode Acknowledgements}. */
export interface AcknowledgementsOptions {
  /** Who is told, if it wants to be. */
  readonly executors: readonly Executor[];
  /** Where it is noted what the control plane has, and who was told of it. */
  readonly journal: Pick<Journal, "untold" | "told">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** How long an executor may take, in milliseconds. */
const TELL_MS_MAX = 60_000;

/** How many are told at the same time. */
const TELLING_MAX = 4;

/**
 * Tells executors that the control plane has the ends of their attempts, each
 * at least once: what an earlier process was told in vain is told again.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #telling = new Set<string>();
  readonly #stopped = new AbortController();
  #idle: PromiseWithResolvers<void> | undefined;

  /** Makes one that has told nothing. */
  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /** Looks whom to tell. */
  look(): void {
    for (const entry of this.#options.journal.untold()) {
      if (this.#stopped.signal.aborted) return;
      if (this.#telling.size >= TELLING_MAX) return;
      if (!this.#telling.has(entry.id)) this.#tell(entry);
    }
  }

  /** Resolves when all have been told. */
  async idle(): Promise<void> {
    while (this.#telling.size > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }

  /** Tells nobody any more; the next process does. */
  stop(): void {
    this.#stopped.abort(
      new TransporterError("cancelled", "The agent stops"),
    );
  }

  async #tell(entry: JournalEntry): Promise<void> {
    const { journal } = this.#options;
    const { id } = entry;
    this.#telling.add(id);
    await this.#call(entry);
    if (!this.#stopped.signal.aborted) {
      try {
        await journal.told(entry);
      } catch {
        return; // the journal has said itself that it failed: this process tells nobody any more
      }
    }
    this.#telling.delete(id);
    this.look();
    if (this.#telling.size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Never rejects. */
  async #call({ id, attempt, tells }: JournalEntry): Promise<void> {
    const { executors, clock } = this.#options;
    const executor = executors.find(({ info: { type } }) => type === tells);
    const log = this.#options.log.with({ event_id: id, attempt });
    using limit = deadline(clock, TELL_MS_MAX, {
      reason: () => new TransporterError("timeout", "It took too long"),
      signal: this.#stopped.signal,
    });
    try {
      await executor?.acknowledged?.({
        idempotencyKey: id,
        attempt,
        signal: limit.signal,
        log,
      });
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      log.warn("What was kept of an event that is over may stay", { error });
    }
  }
}
