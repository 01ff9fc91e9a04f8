import { delay } from "./delay.ts";
import type { Program } from "../program.ts";

/** How a subject is started. */
export interface Launch {
  /** Which start it is, from 1. */
  readonly turn: number;
  /** A command that becomes the program; empty: none. */
  readonly via: readonly string[];
}

/** Options of {@linkcode Subject}. */
export interface SubjectOptions {
  /** What it is called. */
  readonly name: string;
  /** Starts the program. */
  readonly launch: (launch: Launch) => Program;
  /** Called when a program has ended, before the next one is started. */
  readonly ended: (end: Ended) => Promise<void>;
}

/** How a program of a subject ended. */
export interface Ended {
  /** Which start it was, from 1. */
  readonly turn: number;
  /** Its exit code. */
  readonly code: number;
  /** Whether we killed it, or asked it to stop. */
  readonly asked: boolean;
  /** Everything that it printed. */
  readonly output: string;
}

/** Milliseconds until a program that ended by itself is started again, as a kubelet does. */
const RESTART_MS = 300;

/** Milliseconds that a program gets to end after SIGTERM, more than its drain takes; then it hangs. */
const TERM_MS_MAX = 30_000;

/**
 * A program that has to run, under the eyes of a supervisor that starts it
 * again when it ends by itself. What is done to it, is done one after the other.
 */
export class Subject implements AsyncDisposable {
  readonly #options: SubjectOptions;
  #turn = 0;
  #program: Program | undefined;
  #supervised: Promise<void> = Promise.resolve();
  /** Whether the end of the program is our doing. */
  #asked = false;
  /** Aborts when the subject is not to be started again by itself. */
  #down = new AbortController();
  #via: readonly string[] = [];

  /** Makes one that does not run. */
  constructor(options: SubjectOptions) {
    this.#options = options;
  }

  /** What it is called. */
  get name(): string {
    return this.#options.name;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#turn;
  }

  /** Its program; `undefined` while it is down. */
  get program(): Program | undefined {
    return this.#program;
  }

  /** Starts it, unless it runs. */
  up(via: readonly string[] = []): void {
    if (!this.#down.signal.aborted && this.#turn > 0) return;
    this.#down = new AbortController();
    this.#via = via;
    this.#supervised = this.#supervise(this.#down.signal);
  }

  /** Ends it with SIGKILL, and waits for that. */
  async kill(): Promise<void> {
    this.#down.abort();
    this.#asked = true;
    this.#program?.kill("SIGKILL");
    await this.#supervised;
  }

  /**
   * Ends it with SIGTERM, and waits for that.
   *
   * @returns Whether it ended by itself in time; else it is killed.
   */
  async term(): Promise<boolean> {
    this.#down.abort();
    this.#asked = true;
    this.#program?.kill("SIGTERM");
    const over = new AbortController();
    const inTime = await Promise.race([
      this.#supervised.then(() => true),
      delay(TERM_MS_MAX, over.signal).then(() => false),
    ]);
    over.abort();
    if (!inTime) await this.kill();
    return inTime;
  }

  /** Sends a signal that does not end it. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#program?.kill(signal);
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #supervise(down: AbortSignal): Promise<void> {
    while (!down.aborted) {
      this.#asked = false;
      const turn = ++this.#turn;
      const program = this.#options.launch({ turn, via: this.#via });
      this.#program = program;
      const { code } = await program.status();
      this.#program = undefined;
      const { output } = program;
      await this.#options.ended({ turn, code, asked: this.#asked, output });
      if (!down.aborted) await delay(RESTART_MS, down);
    }
  }
}
