import {
  type Config,
  type ConfigOf,
  defineConfig,
  type Settings,
  TransporterError,
} from "@transporter/sdk";

/** The table that {@linkcode config} is made of. */
export const SETTINGS = {
  listen: {
    kind: "string",
    placeholder: "HOST:PORT",
    default: "127.0.0.1:8080",
    help: "Where the API is served, and agents on /ws; port 0 takes a free one",
  },
  dataDir: {
    kind: "string",
    placeholder: "FOLDER",
    help:
      "Folder that the path of a store in SQLite starts from, for one process at a time; by default $XDG_STATE_HOME/transporter/cp; refused with a store that has none",
  },
  store: {
    kind: "string",
    placeholder: "URL",
    default: "sqlite:transporter.db",
    help:
      "Where events are kept: sqlite:PATH, seen from the data folder; redis://HOST, which several control planes may share; or memory:, which forgets them at its end",
  },
  redisPasswordFile: {
    kind: "string",
    placeholder: "FILE",
    help: "File with the password for Redis, instead of one in its URL",
  },
  redisCaFile: {
    kind: "string",
    placeholder: "FILE",
    help:
      "File with the certificates, PEM, that rediss:// trusts instead of the system's",
  },
  ingest: {
    kind: "list",
    placeholder: "URL",
    help:
      "Broker that events are taken from besides HTTP: nats://HOST:4222, tls://…, nats+ws://… or nats+wss://…, of whose JetStream the subject tp.default.events.in is read",
  },
  agentBroker: {
    kind: "list",
    placeholder: "URL",
    help:
      "Serve agents over NATS, too: nats://, tls://, nats+ws:// or nats+wss://; of several URLs, the first that answers",
  },
  replicaName: {
    kind: "string",
    placeholder: "NAME",
    help:
      "What this control plane is called where several share a store; by default the name of the machine",
  },
  results: {
    kind: "list",
    placeholder: "URL",
    help:
      "Who is told how events end: https://… (a webhook, signed), or nats://HOST:4222 and the like, to whose JetStream tp.default.events.out is published",
  },
  resultsSecretFile: {
    kind: "string",
    placeholder: "FILE",
    help:
      "File with the secrets that webhooks are signed with, whsec_BASE64, one a line",
  },
  dev: {
    kind: "boolean",
    help: "Serve this machine only, without TLS and without tokens",
  },
  heartbeatInterval: {
    kind: "duration",
    default: "10s",
    min: "100ms",
    max: "5m",
    help: "Time between heartbeats that agents are asked for",
  },
  idleTimeout: {
    kind: "duration",
    default: "45s",
    min: "500ms",
    max: "1h",
    help: "Time without a sign of life after which an agent counts as gone",
  },
  drainTimeout: {
    kind: "duration",
    default: "30s",
    max: "10m",
    help: "Time that requests which are under way get when it stops",
  },
  retention: {
    kind: "duration",
    default: "7d",
    min: "1m",
    max: "3650d",
    help: "Time that an event is kept after its end",
  },
  eventsMax: {
    kind: "integer",
    default: 1_000_000,
    min: 1,
    help:
      "Ended events that are kept at most; beyond it the oldest go before their time",
  },
  agentQueueMax: {
    kind: "integer",
    default: 10_000,
    min: 1,
    help: "Open events of one agent at which more for it are refused (429)",
  },
  queueMax: {
    kind: "integer",
    default: 100_000,
    min: 1,
    help: "Open events of all agents at which more are refused (429)",
  },
  queueBytesMax: {
    kind: "integer",
    default: 256,
    min: 1,
    placeholder: "MIB",
    help: "Size of open events in MiB at which more are refused (429)",
  },
  waitingMax: {
    kind: "integer",
    default: 1000,
    min: 1,
    help:
      "Events on their way to the store at which more are refused for now (503)",
  },
  waitingTime: {
    kind: "duration",
    default: "250ms",
    min: "10ms",
    max: "1m",
    help:
      "Time that the store may take for an event before more are refused for now (503)",
  },
  logLevel: {
    kind: "choice",
    choices: ["debug", "info", "warn", "error"],
    default: "info",
    help: "Least level that is logged",
  },
} as const satisfies Settings;

/** Every setting of a control plane: the only place where one exists. */
export const config: Config<typeof SETTINGS> = defineConfig("cp", SETTINGS);

/** The settings of `transporter migrate`, once. */
export const MIGRATE_SETTINGS = {
  from: {
    kind: "string",
    placeholder: "URL",
    help: "The store that is moved: sqlite:PATH or redis://HOST",
  },
  to: {
    kind: "string",
    placeholder: "URL",
    help: "Where it goes: sqlite:PATH or redis://HOST, with nothing in it",
  },
  dataDir: SETTINGS.dataDir,
  redisPasswordFile: SETTINGS.redisPasswordFile,
  redisCaFile: SETTINGS.redisCaFile,
} as const satisfies Settings;

/** Every setting of a move of events from one store to another. */
export const migrateConfig: Config<typeof MIGRATE_SETTINGS> = defineConfig(
  "migrate",
  MIGRATE_SETTINGS,
);

/** The values of {@linkcode config}; durations in milliseconds. */
export type ControlPlaneConfig = ConfigOf<typeof config>;

/** Where a server listens. */
export interface ListenAddress {
  /** A name or an address, without brackets. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

const LISTEN_REGEXP =
  /^(?:http:\/\/)?(?:\[([0-9a-f:.]+)\]|([^[\]:/]+)):(\d{1,5})\/?$/i;

/**
 * Reads the `listen` setting.
 *
 * @throws {TransporterError} `usage`.
 */
export function parseListen(text: string): ListenAddress {
  const [, bracketed, plain, digits] = LISTEN_REGEXP.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new TransporterError(
      "usage",
      `Cannot listen on "${text}": it must be HOST:PORT, such as "127.0.0.1:8080" or "[::1]:8080"`,
    );
  }
  return { host, port };
}

/** The path that the URL of a store in SQLite names; `undefined` when it names none. */
export function sqlitePath(url: string): string | undefined {
  return /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1];
}

const LOOPBACK_REGEXP = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/i;

/** Whether a name or an address (without brackets) is this machine's own, and no other machine's. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_REGEXP.test(host);
}
