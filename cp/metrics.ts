import type { ErrorCode, EventKind, State } from "@transporter/sdk";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { BrokerState } from "./agent_broker.ts";
import { BrokerMetrics } from "./broker_metrics.ts";
import type { Metrics, Reconciled } from "./metrics_port.ts";

/** An answer to an HTTP request. */
export interface HttpAnswer {
  /** The verb. */
  readonly method: string;
  /** The route, as it is declared; never the path, of which there are as many as events. */
  readonly route: string;
  /** The HTTP status. */
  readonly status: number;
  /** How long it took to make, in seconds. */
  readonly seconds: number;
}

/** Figures that are read when somebody asks for them. */
export interface Present {
  /** Agents that were ever seen, and those that are connected. */
  readonly agents: { readonly total: number; readonly connected: number };
  /** Events that have not ended, by state. */
  readonly open: Readonly<Partial<Record<State, number>>>;
  /** Whether the control plane can do its work. */
  readonly ready: boolean;
  /** Room on the disk of the store, in bytes; `undefined` when it has none, or does not say. */
  readonly diskFree: number | undefined;
  /** How many control planes share the store, this one among them, and how far their clocks are apart. */
  readonly replicas: {
    readonly alive: number;
    readonly clocksApartMs: number | undefined;
  };
  /** How the broker of agents is, if there is one. */
  readonly agentBroker: BrokerState | undefined;
}

const VERBS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "DELETE",
  "OPTIONS",
]);

/**
 * The figures of a control plane, in a registry of their own. Names are
 * `transporter_<noun>_<unit>`; no label has a value that a producer can make up.
 */
export class ControlPlaneMetrics implements Metrics {
  readonly #registry = new Registry();
  /** What events come from, and who is told how they end. */
  readonly brokers: BrokerMetrics = new BrokerMetrics(this.#registry);
  readonly #types: ReadonlySet<string>;
  readonly #ended: Partial<Record<State, number>> = {};
  readonly #accepted = this.#counter(
    "events_accepted_total",
    "Events accepted",
    ["type"],
  );
  readonly #duplicate = this.#counter(
    "events_duplicate_total",
    "Events accepted before",
    ["type"],
  );
  readonly #refused = this.#counter(
    "events_refused_total",
    "Events not accepted",
    ["code"],
  );
  readonly #released = this.#counter(
    "events_released_total",
    "Events released to agents",
  );
  readonly #reconciled = this.#counter(
    "events_reconciled_total",
    "Events that agents remembered and an older store did not",
    ["found"],
  );
  readonly #requeued = this.#counter(
    "events_requeued_total",
    "Released events queued again",
    [
      "type",
    ],
  );
  readonly #finished = this.#counter(
    "events_ended_total",
    "Events that ended",
    ["type", "state"],
  );
  readonly #statuses = this.#counter(
    "statuses_recorded_total",
    "Statuses of agents recorded",
  );
  readonly #ignored = this.#counter(
    "statuses_ignored_total",
    "Statuses that changed nothing",
    [
      "reason",
    ],
  );
  readonly #sessions = this.#gauge("sessions_open", "Sessions of agents");
  readonly #sessionsEnded = this.#counter(
    "sessions_ended_total",
    "Sessions that ended",
    [
      "reason",
    ],
  );
  readonly #streams = this.#gauge(
    "streams_open",
    "Streams of changes that are followed",
  );
  readonly #eventsOpen = this.#gauge(
    "events_open",
    "Events that have not ended",
    ["state"],
  );
  readonly #agents = this.#gauge("agents_known", "Agents that were ever seen");
  readonly #ready = this.#gauge(
    "ready_bool",
    "Whether the control plane can do its work: 1 or 0",
  );
  readonly #replicas = this.#gauge(
    "replicas_known",
    "Control planes that share the store, this one among them",
  );
  readonly #clocksApart = this.#gauge(
    "replica_clocks_apart_seconds",
    "How far the clocks of control planes that share the store are apart",
  );
  readonly #diskFree = this.#gauge(
    "disk_free_bytes",
    "Room on the disk of the store",
  );
  readonly #broker = this.#gauge(
    "agent_broker_connected_bool",
    "Whether agents are served over a broker now: 1 or 0",
  );
  readonly #wires = this.#gauge(
    "agent_broker_wires_open",
    "Wires of agents over a broker",
  );
  readonly #http = new Histogram({
    registers: [this.#registry],
    name: "transporter_http_request_seconds",
    help: "Time until an answer is made",
    labelNames: ["method", "route", "status"],
    buckets: [
      0.001,
      0.0025,
      0.005,
      0.01,
      0.025,
      0.05,
      0.1,
      0.25,
      0.5,
      1,
      2.5,
      5,
      10,
    ],
  });
  readonly #lag = new Histogram({
    registers: [this.#registry],
    name: "transporter_eventloop_lag_seconds",
    help: "By how much a timer was late",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  });

  /** Makes figures that are all zero. Event types besides those of `kinds` are counted together. */
  constructor(kinds: readonly EventKind[]) {
    this.#types = new Set(kinds.map(({ type }) => type));
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({
      registers: [this.#registry],
      name: `transporter_${name}`,
      help,
      labelNames,
    });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({
      registers: [this.#registry],
      name: `transporter_${name}`,
      help,
      labelNames,
    });
  }

  #type(type: string): { type: string } {
    return { type: this.#types.has(type) ? type : "other" };
  }

  accepted(type: string): void {
    this.#accepted.inc(this.#type(type));
  }

  duplicate(type: string): void {
    this.#duplicate.inc(this.#type(type));
  }

  refused(code: ErrorCode): void {
    this.#refused.inc({ code });
  }

  released(count: number): void {
    this.#released.inc(count);
  }

  requeued(type: string): void {
    this.#requeued.inc(this.#type(type));
  }

  ended(type: string, state: State): void {
    this.#finished.inc({ ...this.#type(type), state });
    this.#ended[state] = (this.#ended[state] ?? 0) + 1;
  }

  reconciled(found: Reconciled): void {
    for (const [name, count] of Object.entries(found)) {
      this.#reconciled.inc({ found: name }, count);
    }
  }

  statuses(count: number): void {
    this.#statuses.inc(count);
  }

  ignored(reason: string): void {
    this.#ignored.inc({ reason });
  }

  sessionsOpen(delta: 1 | -1): void {
    this.#sessions.inc(delta);
  }

  sessionEnded(reason: string): void {
    this.#sessionsEnded.inc({ reason });
  }

  /** A stream of changes was opened (1) or ended (-1). */
  streamsOpen(delta: 1 | -1): void {
    this.#streams.inc(delta);
  }

  /** A request was answered. */
  answered({ method, route, status, seconds }: HttpAnswer): void {
    const verb = VERBS.has(method) ? method : "other";
    this.#http.observe({ method: verb, route, status }, seconds);
  }

  /** A timer was late. */
  lagged(seconds: number): void {
    this.#lag.observe(seconds);
  }

  /** Events that ended since the process started, by state. */
  get endedByState(): Readonly<Partial<Record<State, number>>> {
    return { ...this.#ended };
  }

  /** The media type of {@linkcode ControlPlaneMetrics.text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All figures, as Prometheus reads them; `undefined` when the store cannot be read. */
  async text(present: Present | undefined): Promise<string> {
    this.#ready.set(present?.ready ? 1 : 0);
    this.#agents.set(present?.agents.total ?? NaN);
    this.#diskFree.set(present?.diskFree ?? NaN);
    this.#replicas.set(present?.replicas.alive ?? NaN);
    const apartMs = present?.replicas.clocksApartMs ?? NaN;
    this.#clocksApart.set(apartMs / 1000);
    const broker = present?.agentBroker;
    this.#broker.set(broker === undefined ? NaN : Number(!broker.error));
    this.#wires.set(broker?.wires ?? NaN);
    for (const state of ["queued", "assigned", "in_progress"] as const) {
      this.#eventsOpen.set(
        { state },
        present === undefined ? NaN : present.open[state] ?? 0,
      );
    }
    return await this.#registry.metrics();
  }
}
