import {
  isTerminal,
  type StatusDelivery,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import type { Recorder, StatusOutcome } from "./recorder.ts";

/** Statuses of one session that may be on their way to the store. */
const IN_FLIGHT_MAX = 256;

/** Options of {@linkcode StatusFlow}. */
export interface StatusFlowOptions {
  /** Who records them. */
  readonly recorder: Recorder;
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** The session's generation. */
  readonly gen: number;
  /** A status changed nothing. */
  readonly ignored: (
    frame: StatusUpdateFrame,
    outcome: StatusOutcome,
  ) => void;
  /** A status could not be recorded; no later one counts as durable. */
  readonly failed: (error: TransporterError) => void;
}

interface Flight {
  readonly sid: number | undefined;
  landed: boolean;
}

/**
 * The statuses of one session on their way to the store: begun in order, many
 * at a time so that the store can write them together, each acknowledged when
 * it is durable.
 */
export class StatusFlow {
  readonly #options: StatusFlowOptions;
  /** Those begun, in order, without the first ones that have landed. */
  readonly #flights: Flight[] = [];
  #running = 0;
  #wake: (() => void) | undefined;
  /** Every status of this session up to this one is durable. */
  #durableSid: number | undefined;

  /** Makes a flow without statuses. */
  constructor(options: StatusFlowOptions) {
    this.#options = options;
  }

  /** Every status of this session up to this one is durable; `undefined` before the first. */
  get durableSid(): number | undefined {
    return this.#durableSid;
  }

  /** How many statuses are on their way to the store. */
  get running(): number {
    return this.#running;
  }

  /** Begins to record a status; returns what to wait for while too many are on their way. */
  take(delivery: StatusDelivery): Promise<void> | undefined {
    if (this.#running >= IN_FLIGHT_MAX) {
      return this.#until(IN_FLIGHT_MAX - 1).then(() => this.#begin(delivery));
    }
    this.#begin(delivery);
    return undefined;
  }

  /** Resolves when none is on its way. */
  async idle(): Promise<void> {
    await this.#until(0);
  }

  #begin(delivery: StatusDelivery): void {
    const { recorder, tenant, agent, gen } = this.#options;
    // Never the sid of this status: one before it may still fail, and an agent that is told
    // "durable up to here" forgets that one.
    const sid = this.#durableSid;
    const { state, phase } = delivery.value;
    const recording = recorder.status(tenant, delivery.value, {
      agent,
      gen,
      ...(sid === undefined ? {} : { sid }),
      // More follows, and that is soon enough.
      patient: !isTerminal(state) && phase !== "interrupted",
    });
    const flight: Flight = { sid: delivery.value.sid, landed: false };
    this.#flights.push(flight);
    this.#running++;
    recording.then(
      (outcome) => this.#recorded(delivery, flight, outcome),
      (reason) => this.#failed(reason),
    );
  }

  #recorded(
    delivery: StatusDelivery,
    flight: Flight,
    outcome: StatusOutcome,
  ): void {
    try {
      flight.landed = true;
      this.#land();
      delivery.ack();
      if (outcome !== "recorded") {
        this.#options.ignored(delivery.value, outcome);
      }
    } catch (reason) {
      return this.#failed(reason);
    }
    this.#ended();
  }

  #failed(reason: unknown): void {
    this.#options.failed(TransporterError.from(reason));
    this.#ended();
  }

  #ended(): void {
    this.#running--;
    this.#wake?.();
  }

  #land(): void {
    while (this.#flights[0]?.landed) {
      this.#durableSid = this.#flights.shift()?.sid ?? this.#durableSid;
    }
  }

  async #until(running: number): Promise<void> {
    while (this.#running > running) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
