import {
  type Clock,
  type Consumer,
  DELIVERIES_MAX,
  ERROR_CODES,
  fullJitter,
  type IngestDelivery,
  type IngestVerdict,
  isRecord,
  type Logger,
  type OpenConsumer,
  readSubmission,
  type Rng,
  shownUrl,
  TransporterError,
} from "@transporter/sdk";
import type { Intake, Turn } from "./intake.ts";

/** The bounds of the delays after which a message comes again, in milliseconds. */
const LATER = { initialMs: 500, maxMs: 30_000 };

/** The bounds of the delays between tries to reach a broker, in milliseconds. */
const AGAIN = { initialMs: 200, maxMs: 5000 };

/** What counts messages of brokers. */
export interface IngestMetrics {
  /** A message got its verdict. */
  ingested(source: string, outcome: IngestVerdict["outcome"]): void;
  /** A broker is there, and has so many messages that wait; or it is not. */
  ingestState(source: string, state: IngestState): void;
}

/** How a broker is. */
export interface IngestState {
  /** Its address, without secrets. */
  readonly source: string;
  /** Why nothing comes from it; `undefined` when all is well. */
  readonly fault: TransporterError | undefined;
  /** How many messages wait there, as far as is known. */
  readonly pending: number;
}

/** Options of {@linkcode Ingest}. */
export interface IngestOptions {
  /** The broker. */
  readonly url: URL;
  /** How it is reached. */
  readonly open: OpenConsumer;
  /** Takes events in. */
  readonly intake: Pick<Intake, "accept">;
  /** Whose events they are. */
  readonly tenant: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where the delays come from. */
  readonly rng: Rng;
  /** What counts. */
  readonly metrics: IngestMetrics;
  /** For what happens. */
  readonly log: Logger;
}

/**
 * Takes events from a broker, for ever: a message is acknowledged when its
 * event is durable, comes again when it cannot be taken now, and goes to the
 * quarantine when it never can.
 */
export class Ingest implements AsyncDisposable {
  readonly #options: IngestOptions;
  readonly #source: string;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  #state: IngestState;
  #before: Promise<void> = Promise.resolve();

  /** Makes one, which starts at once. */
  constructor(options: IngestOptions) {
    this.#options = options;
    this.#source = shownUrl(options.url);
    this.#state = {
      source: this.#source,
      fault: this.#fault(
        new Error(
          `Cannot take events from "${this.#source}" yet: it is not reached`,
        ),
      ),
      pending: 0,
    };
    this.#running = this.#run();
  }

  /** How it is. */
  get state(): IngestState {
    return this.#state;
  }

  /** Stops: what is under way comes to its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new TransporterError("cancelled", "It stops"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, rng, log, url, open, tenant } = this.#options;
    const { signal } = this.#over;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await using consumer = await open(url, { signal, tenant });
        log.info("Events are taken from a broker", { source: this.#source });
        this.#set({ fault: undefined });
        failures = 0;
        await this.#consume(consumer);
      } catch (reason) {
        if (signal.aborted) return;
        this.#set({ fault: this.#fault(reason) });
        log.warn("Broker of events cannot be used", {
          source: this.#source,
          error: reason,
        });
      }
      const ms = fullJitter(failures, rng, AGAIN);
      await clock.sleep(ms, { signal }).catch(() => {}); // the loop sees that it is over
    }
  }

  async #consume(consumer: Consumer): Promise<void> {
    await consumer.consume(async (delivery) => {
      const verdict = await this.#judge(delivery);
      this.#options.metrics.ingested(this.#source, verdict.outcome);
      this.#set({ pending: delivery.pending });
      return verdict;
    }, {
      signal: this.#over.signal,
      idle: () => this.#set({ pending: 0 }),
    });
  }

  async #judge(delivery: IngestDelivery): Promise<IngestVerdict> {
    const ready = this.#before;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#before = promise;
    try {
      await this.#accept(delivery, { ready, done: resolve });
      return { outcome: "taken" };
    } catch (reason) {
      return this.#refused(delivery, TransporterError.from(reason));
    } finally {
      ready.then(resolve);
    }
  }

  async #accept(
    { headers, data, key, at }: IngestDelivery,
    turn: Turn,
  ): Promise<void> {
    const value = readSubmission(headers, data);
    const named = isRecord(value) && (value["id"] ?? undefined) === undefined
      ? { ...value, id: key }
      : value;
    await this.#options.intake.accept(named, {
      api: "ingest",
      tenant: this.#options.tenant,
      principal: this.#source.slice(0, 256),
      handedOverAt: at,
      turn,
    });
  }

  #refused(
    { key, deliveries }: IngestDelivery,
    error: TransporterError,
  ): IngestVerdict {
    const { log, rng } = this.#options;
    const about = { source: this.#source, key, code: error.code };
    // What nobody understands may pass, or be the message's fault.
    const passes = ERROR_CODES[error.code].retryable ||
      error.code === "cancelled" ||
      error.code === "internal" && deliveries < DELIVERIES_MAX;
    if (passes) {
      const { initialMs, maxMs } = LATER;
      const ms = Math.min(maxMs, initialMs * 2 ** Math.min(deliveries - 1, 16));
      log.debug("Message is taken later", { ...about, error });
      return { outcome: "later", delayMs: ms / 2 + rng.next() * ms / 2 };
    }
    log.warn("Message is refused, and goes to the quarantine", {
      ...about,
      error,
    });
    return { outcome: "refused", error: error.toJSON() };
  }

  /** Whatever it is, for whoever waits for events it is that they do not come. */
  #fault(reason: unknown): TransporterError {
    const { message } = TransporterError.from(reason);
    return new TransporterError("unavailable", message, { cause: reason });
  }

  #set(change: Partial<IngestState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.metrics.ingestState(this.#source, this.#state);
  }
}
