import { type Clock, fullJitter, type Rng } from "@transporter/sdk";
import type { Header } from "./impersonate.ts";
import { NoAnswer } from "./no_answer.ts";
import type { Transport } from "./transport.ts";
import type { Verdict } from "./verdict.ts";

/** How long it counts that the server has said that it is ready, in milliseconds, unless something goes wrong. */
const KEEP_MS = 10_000;

/** Between two questions while it is not, in milliseconds. */
const PAUSE = { initialMs: 200, maxMs: 2_000 } as const;

/** Everybody may ask that, unless somebody took the rule `system:public-info-viewer` away. @see {@link https://kubernetes.io/docs/reference/using-api/health-checks/} */
const PATH = "/readyz";

/** How long even that may be refused before it counts as an answer, in milliseconds: a server has read its rules by then. */
const REFUSED_MS = 10_000;

/** What {@linkcode Start} needs. */
export interface StartOptions {
  /** Sends the question. */
  readonly transport: Transport;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
}

/** How a question is sent. */
interface Question {
  /** Gives up. */
  readonly signal: AbortSignal;
  /** As whom. */
  readonly headers?: readonly Header[] | undefined;
}

/**
 * Whether an API server is still starting. It answers before it has read the
 * rules of RBAC, and refuses for some seconds what they allow (seen on 1.36.3).
 */
export class Start {
  readonly #options: StartOptions;
  #readyAt = -Infinity;
  /** Since when it does not say whether it is ready. */
  #refusedAt: number | undefined;

  /** Makes one that has asked nothing yet. */
  constructor(options: StartOptions) {
    this.#options = options;
  }

  /** Whether the server was ready a moment ago, and nothing has gone wrong since. */
  get isOver(): boolean {
    return this.#options.clock.monotonic() - this.#readyAt < KEEP_MS;
  }

  /** Something has gone wrong, so that it may be starting. */
  doubt(): void {
    this.#readyAt = -Infinity;
  }

  /** Asks the server whether it is ready; where it never says, it counts as ready. */
  async isReady({ signal, headers }: Question): Promise<boolean> {
    const { clock } = this.#options;
    const status = await this.#ask({ signal, headers });
    const now = clock.monotonic();
    const refusedAt = this.#refusedAt ?? now;
    this.#refusedAt = status === 403 ? refusedAt : undefined;
    if (status === undefined || status >= 500) return false;
    if (status === 403 && now - refusedAt < REFUSED_MS) return false;
    this.#readyAt = now;
    return true;
  }

  /** The status of the answer, if there is one. */
  async #ask({ signal, headers = [] }: Question): Promise<number | undefined> {
    const { transport } = this.#options;
    const asked = { method: "GET", path: PATH, accept: "*/*" } as const;
    try {
      return (await transport.send({ ...asked, headers }, signal)).status;
    } catch (error) {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    }
  }

  /**
   * Waits until the server is ready, or time is up.
   *
   * @returns Whether there was something to wait for: what was said before may not hold.
   */
  async wait(
    question: Question & { readonly until: number },
  ): Promise<boolean> {
    const { signal, until } = question;
    const { clock, rng } = this.#options;
    if (this.isOver) return false;
    for (let asked = 0;; asked++) {
      if (await this.isReady(question)) return asked > 0;
      const pause = fullJitter(asked, rng, PAUSE);
      if (clock.now() + pause >= until) return true;
      await clock.sleep(pause, { signal });
    }
  }
}

/** A call's doubts about what it is refused. */
export class Doubt {
  readonly #start: Start;
  /** Whether the server was ready before what is refused was sent. */
  #isSure = false;

  /** Makes one for a call. */
  constructor(start: Start) {
    this.#start = start;
  }

  /** A try is about to be sent. */
  begin(): void {
    this.#isSure ||= this.#start.isOver;
  }

  /**
   * The verdict, once it is known whether the server is ready.
   *
   * @param verdict What the answer alone means.
   * @param failures How many tries of the call have failed before.
   * @param question How to ask.
   */
  async review(
    verdict: Verdict,
    failures: number,
    question: Question,
  ): Promise<Verdict> {
    if (verdict.code === "cluster_unavailable") this.#start.doubt();
    const { noRight = false, transient, reason } = verdict;
    if (!noRight || transient || this.#isSure) return verdict;
    this.#isSure = await this.#start.isReady(question);
    // After other failures it may have become ready between the two answers.
    if (this.#isSure && failures === 0) return verdict;
    return {
      ...verdict,
      transient: true,
      code: "cluster_unavailable",
      reason: `the API server may still be starting: ${reason}`,
    };
  }
}
