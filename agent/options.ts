import {
  checkUser,
  type Clock,
  type Dial,
  type Executor,
  isAgentId,
  type Logger,
  type Rng,
  shownUrl,
  TransporterError,
} from "@transporter/sdk";
import type { AgentConfig } from "./config.ts";
import { dialOf } from "./connect.ts";
import type { JournalFile } from "./journal.ts";
import { type Identity, readLabels } from "./registration.ts";

/** The settings that an {@linkcode Agent} acts on; the others are its host's, which opens plugins and writes logs. */
export type AgentSettings = Omit<
  AgentConfig,
  | "inCluster"
  | "kubeconfig"
  | "kubeContext"
  | "serviceAccountDir"
  | "kubeEvents"
  | "plugin"
  | "pluginInProcess"
  | "enable"
  | `script${string}`
  | "logLevel"
>;

/** Options of {@linkcode Agent.open}: its settings, and what it works with. */
export interface AgentOptions extends Partial<AgentSettings> {
  /** Who it is. */
  readonly agentId: string;
  /** What it can run, at least one; disposed by whoever opened them. */
  readonly executors: readonly Executor[];
  /** How to dial, by URL scheme, such as `{ ws: dialWebSocket }`. */
  readonly dials: Readonly<Record<string, Dial>>;
  /** Where the journal is kept instead of the folder `dataDir`. */
  readonly journalFile?: JournalFile;
  /** The version of the program. */
  readonly version?: string;
  /** The host it runs on. */
  readonly hostname?: string;
  /** For the operator. */
  readonly log?: Logger;
  /** Where time comes from. */
  readonly clock?: Clock;
  /** Where randomness comes from. */
  readonly rng?: Rng;
}

/**
 * Who an agent is, from its settings.
 *
 * @throws {TransporterError} `usage` for an id or a label that does not fit.
 */
export function identityOf(
  settings: AgentSettings,
  options: AgentOptions,
): Identity {
  const { agentId: id, version = "0.0.0", hostname } = options;
  if (!isAgentId(id)) {
    throw new TransporterError(
      "usage",
      `Cannot start an agent with the id "${id}": it must be 1 to 128 letters, digits, ".", "_" and "-", with a letter or digit at both ends`,
    );
  }
  const { agentName, clusterName, clusterProvider, region, label, namespace } =
    settings;
  return {
    id,
    name: agentName ?? id,
    cluster_name: clusterName ?? id,
    ...(clusterProvider === undefined
      ? {}
      : { cluster_provider: clusterProvider }),
    ...(region === undefined ? {} : { region }),
    version,
    ...(hostname === undefined ? {} : { hostname }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(label.length === 0 ? {} : { labels: readLabels(label) }),
  };
}

/**
 * Reads the address of a control plane.
 *
 * @throws {TransporterError} `usage` for one that is no URL, that nobody dials, or with a `%` that stands for nothing.
 */
export function readUrl(
  text: string,
  dials: Readonly<Record<string, Dial>>,
): URL {
  if (!URL.canParse(text)) {
    throw new TransporterError(
      "usage",
      `Cannot use --cp-url "${
        shownUrl(text)
      }": it must be a URL such as "ws://host:8080/ws" or "https://host"`,
    );
  }
  const url = new URL(text);
  dialOf(url, dials);
  checkUser(url);
  return url;
}

/**
 * Checks that what is said of `once` is said with it.
 *
 * @throws {TransporterError} `usage`.
 */
export function checkOnce({ once, onceTimeout }: AgentSettings): void {
  if (once || onceTimeout === undefined) return;
  throw new TransporterError(
    "usage",
    "Cannot use --once-timeout without --once: an agent that stays dials for ever",
  );
}

/**
 * Checks that there is one executor for each type of event.
 *
 * @throws {TransporterError} `usage` for none at all, and for two of one type.
 */
export function checkExecutors(executors: readonly Executor[]): void {
  if (executors.length === 0) {
    throw new TransporterError(
      "usage",
      "Cannot start the agent as it has nothing that it could run",
    );
  }
  const types = executors.map(({ info }) => info.type);
  const twice = types.find((type, i) => types.indexOf(type) !== i);
  if (twice === undefined) return;
  throw new TransporterError(
    "usage",
    `Cannot start the agent as two executors run events of type "${twice}"`,
  );
}
