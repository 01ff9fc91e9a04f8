import type { CreditFrame, WelcomeFrame } from "@transporter/sdk";

/** Options of {@linkcode Credit}. */
export interface CreditOptions {
  /** Events that the agent takes before earlier ones are over. */
  readonly window: number;
  /** The number that the next new event of the stream gets. */
  readonly nextSeq: number;
  /** How many events the agent has in hand now. */
  readonly inHand: () => number;
  /** Tells the control plane a higher limit. */
  readonly tell: (frame: CreditFrame) => void;
}

/**
 * How far the control plane may go in the stream of events during one session:
 * an absolute number, so that a limit that is told twice or late does no harm.
 * It is as far beyond the last number that arrived as there are free places.
 */
export class Credit {
  readonly #options: CreditOptions;
  #seen: number;
  #told = 0;

  /** Tells the first limit. */
  constructor(options: CreditOptions) {
    this.#options = options;
    this.#seen = options.nextSeq - 1;
    this.grant();
  }

  /** An event arrived, whatever becomes of it. */
  saw(seq: number): void {
    this.#seen = Math.max(this.#seen, seq);
  }

  /** Tells a higher limit if enough places are free; a frame for each would double what goes over the link. */
  grant(): void {
    const { window, inHand, tell } = this.#options;
    const limit = this.#seen + Math.max(0, window - inHand());
    if (limit - this.#told < Math.max(1, Math.floor(window / 4))) return;
    this.#told = limit;
    tell({ type: "credit", limit_seq: limit });
  }
}

/** The number that the next new event gets, if the control plane obeys credits: without it no limit can be told. */
export function nextSeqOf(
  { features, next_seq: nextSeq }: WelcomeFrame,
): number | undefined {
  return features.includes("credit") ? nextSeq : undefined;
}
