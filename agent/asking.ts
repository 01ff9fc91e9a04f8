import {
  type Clock,
  type EventSpec,
  type Executor,
  IN_TIME,
  type Logger,
} from "@transporter/sdk";
import type { Runner } from "./runner.ts";
import { prepare, type Prepared, unsaid, type Work } from "./work.ts";

/** Options of {@linkcode Asking}. */
export interface AskingOptions {
  /** Where work waits whose executor has not said yet what it touches. */
  readonly runner: Pick<Runner, "said">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** What is known of an event, and who hears the rest. */
export interface Asked {
  /** What its executor has said, or what is known without that. */
  readonly facts: Prepared & { readonly unsaid?: true };
  /** Work was made of it: what is said later is said of that. */
  taken(work: Work): void;
}

/** Milliseconds that all events may wait for what an executor says of one, once for each type. */
const SAY_MS_MAX = 1000;

/**
 * Asks executors what events touch. Events wait for that, so that those that
 * share a key start in their order; an executor that once took its time is not
 * waited for any more, as it may never end: only events of its type are then.
 */
export class Asking {
  readonly #options: AskingOptions;
  readonly #slow = new Set<string>();

  /** Makes one that waits for each. */
  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** Asks of an event. */
  async ask(executor: Executor, spec: EventSpec): Promise<Asked> {
    const said = prepare(executor, spec);
    const prepared = await this.#soon(spec, said);
    if (prepared !== undefined) return { facts: prepared, taken() {} };
    const { runner } = this.#options;
    return {
      facts: unsaid(spec),
      taken: (work) => void said.then((late) => runner.said(work, late)),
    };
  }

  async #soon(
    { id, type }: EventSpec,
    said: Promise<Prepared>,
  ): Promise<Prepared | undefined> {
    if (this.#slow.has(type)) return undefined;
    const { clock, log } = this.#options;
    const over = new AbortController();
    const late = clock.sleep(SAY_MS_MAX, { signal: over.signal })
      .then(() => undefined, () => undefined);
    const prepared = await Promise.race([said, late]);
    over.abort(IN_TIME);
    if (prepared !== undefined) return prepared;
    this.#slow.add(type);
    log.warn(
      "It took long to hear what an event touches: those of other types do not wait for that any more",
      { event_id: id, type },
    );
    return undefined;
  }
}
