import type { Clock } from "@transporter/sdk";
import type { Read } from "./found.ts";

/** How often is noted how far a log was read, in milliseconds. */
export const NOTE_MS = 5000;

/** Options of {@linkcode Notes}. */
export interface NotesOptions {
  /** Where time comes from. */
  readonly clock: Pick<Clock, "monotonic">;
  /** How far the log was read. */
  readonly read: () => Read;
  /** Resolves once all that was read is sent. */
  readonly sent: () => Promise<void>;
  /** Notes it; never rejects. */
  readonly note: (read: Read) => Promise<void>;
}

/**
 * Notes how far the log of a Job was read, for an agent that finds it again and
 * reads on from there: what is not sent yet is not noted, as it would be gone
 * with this agent. Nobody who reads the log waits for it.
 */
export class Notes implements AsyncDisposable {
  readonly #options: NotesOptions;
  #beganAt = -NOTE_MS;
  #isBusy = false;
  #isOver = false;
  #noting: Promise<void> | undefined;

  /** Makes one that has noted nothing. */
  constructor(options: NotesOptions) {
    this.#options = options;
  }

  /** Something was read. */
  look(): void {
    const isEarly = this.#options.clock.monotonic() - this.#beganAt < NOTE_MS;
    if (!this.#isBusy && !isEarly) this.#note();
  }

  async #note(): Promise<void> {
    const { clock, read, sent, note } = this.#options;
    this.#isBusy = true;
    do {
      this.#beganAt = clock.monotonic();
      const now = read();
      await sent();
      if (this.#isOver) return;
      this.#noting = note(now);
      await this.#noting;
      // What was read while that took so long is noted too, also if nothing comes any more.
    } while (clock.monotonic() - this.#beganAt >= NOTE_MS);
    this.#isBusy = false;
  }

  /** Waits for what is being noted; nothing is any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#noting;
  }
}
