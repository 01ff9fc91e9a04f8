import {
  type Clock,
  deadline,
  type EventKind,
  type Ids,
  type Logger,
  type Rng,
  silentLogger,
  systemClock,
  systemRng,
  TransporterError,
  ulids,
} from "@transporter/sdk";
import { HttpAcceptor } from "@transporter/sdk/http";
import { openAgentBroker } from "./agent_broker.ts";
import {
  config,
  type ControlPlaneConfig,
  isLoopback,
  type ListenAddress,
  parseListen,
} from "./config.ts";
import { openCore } from "./core.ts";
import { coreConfigOf } from "./core_config.ts";
import { httpApp } from "./http/app.ts";
import { guardAgents, guardDev, type Visitor } from "./http/guard.ts";
import { REGISTRATION_CHARS_MAX } from "./http/link.ts";
import { problems } from "./http/problems.ts";
import { Readiness } from "./http/readiness.ts";
import { type Brokers, openIngests } from "./ingests.ts";
import type { Services } from "./http/services.ts";
import { Turns } from "./turns.ts";
import { openResults, type Sinks } from "./sinks.ts";
import { ControlPlaneMetrics } from "./metrics.ts";
import { watchLag } from "./lag.ts";
import { openStore, warnOfVolatile } from "./open_store.ts";
import { peersOf } from "./peers/shared_store.ts";
import { HttpServer } from "./server.ts";
import type { ServerLimits } from "./server_limits.ts";
import { freeBytes } from "./store/disk_space.ts";
import { isShared } from "./store/shared.ts";
import type { Store } from "./store/store.ts";

/** What a control plane needs. */
export interface ControlPlaneOptions {
  /** Settings that differ from their defaults. */
  readonly config?: Partial<ControlPlaneConfig>;
  /** What is known about event types; a payload of another type is taken unseen. */
  readonly kinds: readonly EventKind[];
  /** A store that is open already; it stays the caller's to close. Then the `store` setting does not count. */
  readonly store?: Store;
  /** How the brokers of the `ingest` setting are reached. */
  readonly brokers?: Brokers;
  /** How the receivers of the `results` setting are reached. */
  readonly sinks?: Sinks;
  /** For what happens; by default nothing is logged. The `logLevel` setting is for whoever makes it. */
  readonly log?: Logger;
  /** Where time comes from. */
  readonly clock?: Clock;
  /** Where jitter comes from. */
  readonly rng?: Rng;
  /** Where ids come from. */
  readonly ids?: Ids;
  /** Limits of the listener that differ from the defaults. */
  readonly limits?: Partial<ServerLimits>;
}

/** Whose everything is, until tenants have names. */
const TENANT = "default";

/** Headers of every answer in `--dev` mode, so that nobody takes it for a secure one. */
const DEV_HEADERS = { "transporter-mode": "dev" };

/**
 * A control plane: takes events, keeps them, and hands them to agents.
 *
 * @example Usage
 * ```ts
 * import { ControlPlane } from "@transporter/cp";
 * import { strictEqual } from "node:assert/strict";
 *
 * await using controlPlane = await ControlPlane.open({
 *   config: { listen: "127.0.0.1:0", store: "memory:", dev: true },
 *   kinds: [],
 * });
 * const answer = await fetch(`${controlPlane.url}/readyz`);
 * strictEqual((await answer.json()).status, "ready");
 * ```
 */
export class ControlPlane implements AsyncDisposable {
  /** Where it is reached: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly #shut: () => Promise<void>;
  #closed: Promise<void> | undefined;

  private constructor(url: string, shut: () => Promise<void>) {
    this.url = url;
    this.#shut = shut;
  }

  /**
   * Opens the store, and starts to listen.
   *
   * @throws {TransporterError} `usage` for settings that do not go together, `port_in_use`,
   * `folder_in_use`, `store_unavailable`, `unsupported_version`.
   */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    const settings = { ...config.read({}).values, ...options.config };
    const address = check(settings);
    const { kinds, log = silentLogger, clock = systemClock, rng = systemRng } =
      options;
    const { ids = ulids(() => clock.now(), rng) } = options;

    await using opened = new AsyncDisposableStack();
    const { store, folder } = options.store === undefined
      ? opened.use(
        await openStore(settings.store, { ...settings, clock }),
      )
      : { store: options.store, folder: undefined };
    const stopping = new AbortController();
    const metrics = new ControlPlaneMetrics(kinds);
    const peers = isShared(store)
      ? peersOf(store, { name: settings.replicaName ?? store.host })
      : undefined;
    const core = await openCore({
      ...(peers === undefined ? {} : { peers }),
      store,
      kinds,
      clock,
      rng,
      ids,
      log,
      metrics,
      config: coreConfigOf(settings),
      tenants: [TENANT],
    });
    opened.use(core);
    const acceptor = opened.use(
      new HttpAcceptor({ unansweredCharsMax: REGISTRATION_CHARS_MAX }),
    );
    const ingests = openIngests(settings.ingest, {
      brokers: options.brokers ?? {},
      intake: core.intake,
      metrics: metrics.brokers,
      ...{ tenant: TENANT, clock, rng, log },
    });
    opened.use(ingests);
    const results = opened.use(
      await openResults(settings.results, {
        ...{ sinks: options.sinks ?? {}, store, changes: core.changes },
        ...{ tenant: TENANT, clock, rng, log, metrics: metrics.brokers },
      }),
    );
    const broker = opened.use(
      await openAgentBroker({
        urls: settings.agentBroker,
        tenant: TENANT,
        serve: (wire, remote) =>
          core.sessions.serve(wire, {
            tenant: TENANT,
            remote,
            carrier: "nats",
          }),
        ...{ clock, rng, log },
      }),
    );
    const services: Services = {
      store,
      ingests,
      results,
      intake: core.intake,
      turns: opened.use(new Turns(() => core.heard())),
      operator: core.operator,
      connected: core.connected,
      peers,
      sessions: core.sessions,
      acceptor,
      changes: core.changes,
      readiness: new Readiness({
        store,
        tenant: TENANT,
        clock,
        stopping: stopping.signal,
        others: () => ingests.fault,
      }),
      diskFree: async () =>
        folder === undefined ? undefined : await freeBytes(folder),
      agentBroker: () => broker.state(),
      metrics,
      clock,
      ids,
      log,
      tenant: TENANT,
      stopping: stopping.signal,
      problem: problems({ ids, log }),
    };
    const app = httpApp(services, { guard: guardDev, headers: DEV_HEADERS });
    const server = await HttpServer.listen({
      address,
      app,
      admit: (visitor) => admit(visitor, stopping.signal),
      serve: (wire, remote) =>
        core.sessions.serve(wire, {
          ...{ tenant: TENANT, remote, carrier: "websocket" },
        }),
      problem: services.problem,
      headers: DEV_HEADERS,
      log,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    const watched = watchLag({ clock, metrics, signal: stopping.signal });
    const held = opened.move();
    warnOfVolatile(store, settings.store, log);
    log.info("Control plane listens", {
      url: server.url,
      durability: store.durability,
      ...(peers === undefined ? {} : { replica: peers.self.name }),
      mode: "dev",
    });
    return new ControlPlane(server.url, async () => {
      stopping.abort(
        new TransporterError("unavailable", "Control plane stops"),
      );
      acceptor.stop();
      const reason = new TransporterError(
        "timeout",
        "Cannot wait longer for requests under way",
      );
      using limit = deadline(clock, settings.drainTimeout, { reason });
      await ingests[Symbol.asyncDispose]();
      await Promise.all([
        server.close(limit.signal),
        core[Symbol.asyncDispose](),
        watched,
      ]);
      await held.disposeAsync();
      log.info("Control plane has stopped");
    });
  }

  /**
   * Stops: takes no more work, lets requests under way finish within the
   * `drainTimeout`, says goodbye to agents, and closes the store. Idempotent.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#shut();
  }

  /** Stops. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Refuses settings that do not go together. */
function check(settings: ControlPlaneConfig): ListenAddress {
  const address = parseListen(settings.listen);
  if (!settings.dev) {
    throw new TransporterError(
      "usage",
      "Cannot start without --dev as there is no access control yet: with --dev, this machine alone is served",
    );
  }
  if (!isLoopback(address.host)) {
    throw new TransporterError(
      "usage",
      `Cannot listen on "${settings.listen}" with --dev: without access control, it must be "127.0.0.1", "localhost" or "[::1]"`,
    );
  }
  if (settings.idleTimeout < 2 * settings.heartbeatInterval) {
    throw new TransporterError(
      "usage",
      `Cannot use an idle timeout of ${settings.idleTimeout} ms: it must be at least two heartbeats of ${settings.heartbeatInterval} ms`,
    );
  }
  return address;
}

/** Looks at an upgrade: agents only, at their place, and not while everything ends. */
function admit(visitor: Visitor, stopping: AbortSignal): void {
  guardDev(visitor);
  const path =
    (visitor.url ?? "").replace(/^https?:\/\/[^/]*/i, "").split("?")[0];
  if (path !== "/ws") {
    throw new TransporterError(
      "not_found",
      'Cannot upgrade here: agents connect to "/ws"',
    );
  }
  guardAgents(visitor);
  if (stopping.aborted) {
    throw new TransporterError(
      "unavailable",
      "Cannot take more agents as the control plane stops",
    );
  }
}
