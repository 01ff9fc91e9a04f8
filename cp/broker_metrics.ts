import type { IngestVerdict } from "@transporter/sdk";
import { Counter, Gauge, type Registry } from "prom-client";
import type { IngestMetrics, IngestState } from "./ingest.ts";
import type { ResultMetrics, ResultsState } from "./results.ts";

/** The figures of what events come from, and of who is told how they end. */
export class BrokerMetrics implements IngestMetrics, ResultMetrics {
  readonly #ingested: Counter;
  readonly #ingestUp: Gauge;
  readonly #ingestPending: Gauge;
  readonly #told: Counter;
  readonly #failed: Counter;
  readonly #resultsUp: Gauge;
  readonly #resultsLag: Gauge;

  /** Makes figures in a registry. */
  constructor(registry: Registry) {
    const registers = [registry];
    this.#ingested = new Counter({
      registers,
      name: "transporter_ingest_messages_total",
      help: "Messages of brokers that got a verdict: taken, later or refused",
      labelNames: ["source", "outcome"],
    });
    this.#ingestUp = new Gauge({
      registers,
      name: "transporter_ingest_up_bool",
      help: "Whether events come from a broker: 1 or 0",
      labelNames: ["source"],
    });
    this.#ingestPending = new Gauge({
      registers,
      name: "transporter_ingest_messages_open",
      help: "Messages that wait at a broker",
      labelNames: ["source"],
    });
    this.#told = new Counter({
      registers,
      name: "transporter_results_told_total",
      help: "Ends of events that a receiver was told",
      labelNames: ["sink"],
    });
    this.#failed = new Counter({
      registers,
      name: "transporter_results_failed_total",
      help: "Times that a receiver could not be told",
      labelNames: ["sink"],
    });
    this.#resultsUp = new Gauge({
      registers,
      name: "transporter_results_up_bool",
      help: "Whether a receiver takes what it is told: 1 or 0",
      labelNames: ["sink"],
    });
    this.#resultsLag = new Gauge({
      registers,
      name: "transporter_results_lag_seconds",
      help: "How long the oldest end has waited that a receiver was not told",
      labelNames: ["sink"],
    });
  }

  ingested(source: string, outcome: IngestVerdict["outcome"]): void {
    this.#ingested.inc({ source, outcome });
  }

  ingestState(source: string, { fault, pending }: IngestState): void {
    this.#ingestUp.set({ source }, fault === undefined ? 1 : 0);
    this.#ingestPending.set({ source }, pending);
  }

  resultTold(sink: string): void {
    this.#told.inc({ sink });
  }

  resultFailed(sink: string): void {
    this.#failed.inc({ sink });
  }

  /** Takes over how receivers are now. */
  results(states: readonly ResultsState[]): void {
    for (const { sink, fault, lagMs } of states) {
      this.#resultsUp.set({ sink }, fault === undefined ? 1 : 0);
      this.#resultsLag.set({ sink }, lagMs / 1000);
    }
  }
}
