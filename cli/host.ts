import type { Acting } from "./kube_options.ts";
import type {
  Clock,
  EventKind,
  OpenPublisher,
  Rng,
  SettingDescription,
} from "@transporter/sdk";
import type { PluginDesk } from "./plugin_desk.ts";

/** Where text goes: a terminal, a file, a pipe. */
export interface Output {
  /** Whether a person reads along; decides about colour, truncation and the live line. */
  readonly isTerminal: boolean;
  /** How many characters a line of the terminal has; `undefined` when it is none, or does not say. */
  readonly columns: number | undefined;
  /** How many lines the terminal has; `undefined` as for `columns`. */
  readonly rows: number | undefined;
  /** Writes all of the text before it returns. */
  write(text: string): void;
}

/** Where text comes from when a command is told to read `-`. */
export interface Input {
  /** Whether a person types it. */
  readonly isTerminal: boolean;
  /** The bytes; taken once at most. */
  open(): ReadableStream<Uint8Array>;
}

/** An entry of a folder. */
export interface FolderEntry {
  /** Its name, without the folder's. */
  readonly name: string;
  /** Whether it is a folder itself; a link to one is none, so that no walk goes round in circles. */
  readonly isFolder: boolean;
}

/** The file system, as far as commands read it; none of them writes. */
export interface Files {
  /** What is at a path, links followed; `undefined` when there is nothing. Whatever can be read is a `file`. */
  kindOf(path: string): Promise<"file" | "folder" | undefined>;
  /** Opens a file. */
  open(path: string): Promise<ReadableStream<Uint8Array>>;
  /** What is in a folder, in any order. */
  list(path: string): Promise<readonly FolderEntry[]>;
}

/** What a command that runs a part of the system was started with: sources of `Config.read()`. */
export interface StartOptions {
  /** Flags as typed, by the camelCase names of their settings. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** What is in the file that `--config` names, parsed; `undefined` without one. */
  readonly file: unknown;
}

/** The commands that run a part of the system in this process; each resolves with the exit code. */
export interface Starters {
  /** Runs a control plane until it is stopped. */
  cp(options: StartOptions): Promise<number>;
  /** Runs an agent until it is stopped. */
  agent(options: StartOptions): Promise<number>;
  /** Runs the demo. */
  demo(options: StartOptions): Promise<number>;
  /** Moves events from one store to another. */
  migrate(options: StartOptions): Promise<number>;
}

/** What flags are made from: a `Config` of the SDK fits. */
export interface OptionTable {
  /** What the settings belong to. */
  readonly name: string;
  /** Every setting, in the order of the help. */
  readonly settings: readonly SettingDescription[];
}

/** The machine that a command runs on; {@linkcode systemMachine} is the real one. */
export interface Machine {
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly stdin: Input;
  /** Standard output: results. */
  readonly stdout: Output;
  /** Standard error: progress, notes and errors. */
  readonly stderr: Output;
  /** The file system. */
  readonly files: Files;
  /** HTTP. */
  readonly fetch: typeof fetch;
  /** Time. */
  readonly clock: Clock;
  /** Randomness, for ids and for the delays between tries. */
  readonly rng: Rng;
}

/** What rights in a cluster are asked for. */
export interface RightsRequest {
  /** Texts with Kubernetes objects. */
  readonly manifests: readonly string[];
  /** The namespace of objects that name none. */
  readonly namespace: string | undefined;
  /** The ApplySet that the objects are of: `NAME` or `NAMESPACE/NAME`. */
  readonly applySet: string | undefined;
  /** What the roles and their bindings are called. */
  readonly name: string;
  /** The ServiceAccount that gets them. */
  readonly account: { readonly namespace: string; readonly name: string };
  /** As whom events act; then that ServiceAccount gets the rights, and the other one that of acting as it. */
  readonly as: Acting | undefined;
  /** The objects are deleted, too. */
  readonly deletes: boolean;
  /** It is waited until the objects are ready. */
  readonly waits: boolean;
  /** Other objects of the same kinds count, too. */
  readonly anyName: boolean;
  /** Events say in the cluster which event has changed an object. */
  readonly tells: boolean;
  /** Policies of the agent judge each write. */
  readonly gated: boolean;
  /** The kubeconfig file of a cluster to ask for kinds. */
  readonly kubeconfig: string | undefined;
  /** The context of it, or of the file that kubectl would use. */
  readonly kubeContext: string | undefined;
}

/** Rights in a cluster. */
export interface Rights {
  /** Roles and bindings, in the order in which they can be applied. */
  readonly objects: readonly Readonly<Record<string, unknown>>[];
  /** What else to know: sentences without a final period. */
  readonly notes: readonly string[];
}

/** Whose rights in a cluster are asked for. */
export interface IdentityRequest {
  /** The kubeconfig file of the cluster. */
  readonly kubeconfig: string | undefined;
  /** The context of it, or of the file that kubectl would use. */
  readonly kubeContext: string | undefined;
  /** A ServiceAccount to act as; without one the identity of the kubeconfig counts. */
  readonly account:
    | { readonly namespace: string; readonly name: string }
    | undefined;
  /** The namespace. */
  readonly namespace: string;
}

/** What an identity may do. */
export interface IdentityRights {
  /** The uid that an agent knows the cluster by; `undefined` when the identity may not see it. */
  readonly cluster: string | undefined;
  /** Its name, as the cluster has it. */
  readonly username: string;
  /** What it may do in the namespace, one line each. */
  readonly rights: readonly string[];
  /** What it had better not be allowed: sentences without a final period. */
  readonly dangers: readonly string[];
  /** What it cannot do without, and what comes of that: sentences without a final period. */
  readonly lacks: readonly string[];
}

/** Everything outside the commands, which `main.ts` hands in. */
export interface Host extends Machine {
  /** The pure parts of the executors that ship, to refuse a payload before it is sent. */
  readonly kinds: readonly EventKind[];
  /** Finds the least rights for manifests; asks a cluster only if one is named. */
  readonly rights: (request: RightsRequest) => Promise<Rights>;
  /** Asks a cluster what an identity may do. */
  readonly rightsOf: (request: IdentityRequest) => Promise<IdentityRights>;
  /** What the commands for plugins do. */
  readonly plugins: PluginDesk;
  /** How brokers are reached, by the scheme of their URL. */
  readonly publishers: Readonly<Record<string, OpenPublisher>>;
  /** What runs `cp`, `agent`, `demo` and `migrate`. */
  readonly starters: Starters;
  /** The settings of `cp`. */
  readonly cpConfig: OptionTable;
  /** The settings of `agent`. */
  readonly agentConfig: OptionTable;
  /** The settings of `demo`. */
  readonly demoConfig: OptionTable;
  /** The settings of `migrate`. */
  readonly migrateConfig: OptionTable;
  /** Aborts when the person presses Ctrl-C; the commands that wait then end with a sentence. */
  readonly signal: AbortSignal;
}
