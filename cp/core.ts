import type { Clock, EventKind, Ids, Logger, Rng } from "@transporter/sdk";
import {
  Admission,
  ADMISSION_LIMITS,
  type AdmissionLimits,
} from "./admission.ts";
import { Changes } from "./changes.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Intake } from "./intake.ts";
import { KnownAgents } from "./known_agents.ts";
import type { Metrics } from "./metrics_port.ts";
import { Operator } from "./operator.ts";
import { Hearing } from "./peers/hearing.ts";
import type { Peers } from "./peers/port.ts";
import { Roll } from "./peers/roll.ts";
import {
  type Connected,
  connectedAnywhere,
  connectedHere,
} from "./peers/whereabouts.ts";
import { Quota, QUOTA_LIMITS, type QuotaLimits } from "./quota.ts";
import { Recount } from "./recount.ts";
import { Reaper } from "./reaper.ts";
import { Recorder } from "./recorder.ts";
import type { SessionConfig } from "./session.ts";
import { Sessions } from "./sessions.ts";
import type { Store } from "./store/store.ts";
import { RETENTION, type RetentionConfig, Sweeper } from "./sweeper.ts";

/** The figures of the control plane's core. */
export interface CoreConfig
  extends SessionConfig, QuotaLimits, AdmissionLimits, RetentionConfig {}

/** The figures unless told otherwise. */
export const CORE_CONFIG: CoreConfig = {
  ...QUOTA_LIMITS,
  ...ADMISSION_LIMITS,
  ...RETENTION,
  windowMax: 64,
  windowBytesMax: 16 * 1024 * 1024,
  heartbeatMs: 10_000,
  idleMs: 45_000,
};

/** What the core needs: everything outside of it comes in here. */
export interface CoreOptions {
  /** Where everything is kept; stays the caller's to close. */
  readonly store: Store;
  /** What is known about event types. */
  readonly kinds: readonly EventKind[];
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** Where ids come from. */
  readonly ids: Ids;
  /** For what happens. */
  readonly log: Logger;
  /** What counts what happens. */
  readonly metrics: Metrics;
  /** Figures that differ from {@linkcode CORE_CONFIG}. */
  readonly config?: Partial<CoreConfig>;
  /** Whose open events are counted at the start; by default only `default`'s. */
  readonly tenants?: readonly string[];
  /** The other control planes over the same store; by default there are none. */
  readonly peers?: Peers;
}

/** The control plane without its network: events in, sessions of agents, what happened. */
export interface Core extends AsyncDisposable {
  /** Takes events in. */
  readonly intake: Intake;
  /** Talks to agents. */
  readonly sessions: Sessions;
  /** What people may do to events and agents. */
  readonly operator: Operator;
  /** Wakes those who follow what happens. */
  readonly changes: Changes;
  /** Counts what is open. */
  readonly quota: Quota;
  /** Finds out which agents are connected, here or to another replica. */
  readonly connected: Connected;
  /** How many statuses of agents came so far. */
  heard(): number;
}

/**
 * Opens the core over a store, and starts to end events whose time is up.
 * Disposing it says goodbye to all agents and waits for what is being written.
 *
 * @throws {TransporterError} `store_unavailable`.
 */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { store, clock, peers, tenants = ["default"] } = options;
  const shared = peers !== undefined;
  const config = { ...CORE_CONFIG, ...options.config };
  const quota = new Quota(config);
  for (const tenant of tenants) await quota.load(store, tenant);
  const changes = new Changes({ store });
  const recorder = new Recorder({ ...options, changes, quota });
  const dispatcher = new Dispatcher({ ...options, recorder });
  const sessions = new Sessions({
    ...options,
    recorder,
    dispatcher,
    config,
    shared,
  });
  const admission = new Admission(clock, config);
  const { live } = sessions;
  const agents = new KnownAgents({ store, live, clock });
  const intake = new Intake({
    ...options,
    recorder,
    quota,
    admission,
    agents,
    coming: (tenant, agent) => dispatcher.wake(tenant, agent),
  });
  const operator = new Operator({
    store,
    agents,
    recorder,
    quota,
    dispatcher,
    sessions,
    clock,
    shared,
  });
  await using opened = new AsyncDisposableStack();
  if (peers !== undefined) {
    const parts = { ...options, peers, sessions, dispatcher, tenants };
    opened.use(new Recount({ ...parts, quota }));
    const roll = opened.use(await Roll.open(parts));
    const verify = (tenant: string, agent: string) =>
      void roll.verify(tenant, agent);
    opened.use(
      await Hearing.open({ ...parts, agents, changes, verify }),
    );
  }
  // Where there are others, not all of them at the same moment.
  const pace = shared ? options : { ...options, rng: undefined };
  opened.use(new Sweeper({ ...pace, config }));
  opened.use(new Reaper({ ...pace, recorder }));
  const held = opened.move();
  return {
    intake,
    sessions,
    operator,
    changes,
    quota,
    connected: peers === undefined
      ? connectedHere(sessions.live)
      : connectedAnywhere(sessions.live, peers),
    heard: () => recorder.heard,
    async [Symbol.asyncDispose]() {
      await sessions.close("restart");
      await held.disposeAsync();
      dispatcher[Symbol.dispose]();
    },
  };
}
