import type { Clock, Ids, Logger } from "@transporter/sdk";
import type { HttpAcceptor } from "@transporter/sdk/http";
import type { BrokerState } from "../agent_broker.ts";
import type { Changes } from "../changes.ts";
import type { Ingests } from "../ingests.ts";
import type { Intake } from "../intake.ts";
import type { ControlPlaneMetrics } from "../metrics.ts";
import type { Operator } from "../operator.ts";
import type { Peers } from "../peers/port.ts";
import type { Connected } from "../peers/whereabouts.ts";
import type { Sessions } from "../sessions.ts";
import type { OpenedResults } from "../sinks.ts";
import type { Store } from "../store/store.ts";
import type { Problem } from "./problem.ts";
import type { Readiness } from "./readiness.ts";
import type { Turns } from "../turns.ts";

/** What handlers work with. */
export interface Services {
  /** What is read. */
  readonly store: Store;
  /** Brokers that events are taken from. */
  readonly ingests: Pick<Ingests, "states">;
  /** Who is told how events end. */
  readonly results: Pick<OpenedResults, "states">;
  /** Takes events in. */
  readonly intake: Intake;
  /** When events that were submitted are looked at. */
  readonly turns: Turns;
  /** Does what people ask of events and agents. */
  readonly operator: Operator;
  /** Knows who is connected. */
  readonly connected: Connected;
  /** The other control planes over the same store; `undefined` where there can be none. */
  readonly peers: Peers | undefined;
  /** Talks to agents. */
  readonly sessions: Pick<Sessions, "serve">;
  /** Holds the wires of agents that use no WebSocket. */
  readonly acceptor: HttpAcceptor;
  /** Wakes who follows what happens. */
  readonly changes: Changes;
  /** Knows whether the control plane can do its work. */
  readonly readiness: Readiness;
  /** How much room the disk of the store has, in bytes; `undefined` when it has none, or does not say. */
  readonly diskFree: () => Promise<number | undefined>;
  /** How the broker of agents is, if there is one. */
  readonly agentBroker: () => BrokerState | undefined;
  /** Figures. */
  readonly metrics: ControlPlaneMetrics;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where the names of answers come from. */
  readonly ids: Ids;
  /** For what happens. */
  readonly log: Logger;
  /** Whose events and agents are served. */
  readonly tenant: string;
  /** Aborts when the control plane is about to stop. */
  readonly stopping: AbortSignal;
  /** Makes an answer of what was thrown, and logs what the client is not told. */
  problem(reason: unknown): Problem;
}
