import {
  type Clock,
  defineConfig,
  type EventKind,
  isRecord,
  parseTime,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
import type {
  Files,
  Host,
  IdentityRequest,
  IdentityRights,
  Output,
  Rights,
  RightsRequest,
  StartOptions,
} from "../host.ts";
import type { PluginDesk } from "../plugin_desk.ts";
import { runCli } from "../run_cli.ts";

/** The time of day in every test of the commands. */
export const NOW = parseTime("2026-11-23T05:10:00Z") ?? 0;

/** A clock that shows the same time of day for ever, and whose waits take as long as they say. */
export const testClock: Clock = { ...systemClock, now: () => NOW };

/** What a test puts in place of the machine. */
export interface TestHostOptions {
  /** Where the control plane is, as `TP_URL` says. */
  readonly url?: string;
  /** The environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files by their paths; folders follow from them. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** What standard input has. */
  readonly stdin?: string;
  /** What a person types, who is at the terminal; in place of `stdin`. */
  readonly typed?: string;
  /** The width of the terminal that both outputs are; without it they are none. */
  readonly columns?: number;
  /** How many lines it has. */
  readonly rows?: number;
  /** Time. */
  readonly clock?: Clock;
  /** Ctrl-C. */
  readonly signal?: AbortSignal;
  /** What a started part of the system does. */
  readonly start?: (name: string, options: StartOptions) => Promise<number>;
  /** What rights manifests need. */
  readonly rights?: (request: RightsRequest) => Promise<Rights>;
  /** What an identity may do. */
  readonly rightsOf?: (request: IdentityRequest) => Promise<IdentityRights>;
  /** How brokers are reached. */
  readonly publishers?: Host["publishers"];
  /** What the commands for plugins do. */
  readonly plugins?: Partial<PluginDesk>;
  /** Sees each piece of output as it is written. */
  readonly onWrite?: (text: string) => void;
}

/** What a command left behind. */
export interface Ran {
  /** The exit code. */
  readonly code: number;
  /** What it wrote to standard output. */
  readonly stdout: string;
  /** What it wrote to standard error. */
  readonly stderr: string;
}

/** A text as a stream. */
function streamOf(content: string | Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([content as BlobPart]).stream();
}

function folderOf(path: string): string {
  return path === "." ? "" : `${path.replace(/\/$/, "")}/`;
}

function filesOf(files: Readonly<Record<string, string | Uint8Array>>): Files {
  const paths = Object.keys(files);
  return {
    kindOf(path) {
      if (Object.hasOwn(files, path)) return Promise.resolve("file");
      const folder = folderOf(path);
      const found = paths.some((each) => each.startsWith(folder));
      return Promise.resolve(found ? "folder" : undefined);
    },
    open(path) {
      const content = files[path];
      if (content !== undefined) return Promise.resolve(streamOf(content));
      return Promise.reject(new Error(`No such file: ${path}`));
    },
    list(path) {
      const folder = folderOf(path);
      const rest = paths.filter((each) => each.startsWith(folder))
        .map((each) => each.slice(folder.length).split("/"));
      const names = new Map(
        rest.map(([name = "", ...more]) => [name, more.length > 0]),
      );
      // Not sorted, as a file system would not do it either.
      return Promise.resolve(
        [...names].map(([name, isFolder]) => ({ name, isFolder })).toReversed(),
      );
    },
  };
}

/** Stands for the check of a shipped executor: names the manifest with what it does not like. */
const kind: EventKind = {
  type: "k8s_resource",
  repeatable: () => true,
  check(payload) {
    const manifests = isRecord(payload) ? payload["manifests"] : undefined;
    if (!Array.isArray(manifests)) {
      throw new TransporterError(
        "invalid",
        'Cannot accept the payload: "manifests" is missing',
      );
    }
    for (const [index, text] of manifests.entries()) {
      if (!String(text).includes("kind:")) {
        const place = { manifest: index + 1, document: 1, line: 2 };
        throw new TransporterError(
          "invalid_manifest",
          `Cannot accept manifest ${place.manifest}, document 1, line 2: it has no "kind"`,
          { details: place },
        );
      }
    }
    return Promise.resolve();
  },
};

/** Settings of every kind, as a part of the system may have them. */
function tableOf(name: string) {
  return defineConfig(name, {
    listen: {
      kind: "string",
      default: "127.0.0.1:8080",
      placeholder: "HOST:PORT",
      help: "Where it listens",
    },
    dev: { kind: "boolean", help: "Serve this machine only" },
    sync: { kind: "boolean", default: true, help: "Wait for the disk" },
    label: { kind: "list", placeholder: "KEY=VALUE", help: "A label" },
    kubeContext: { kind: "string", placeholder: "NAME", help: "Which context" },
    logLevel: {
      kind: "choice",
      choices: ["debug", "info"],
      default: "info",
      help: "Lines below it are not written",
    },
  });
}

/** Nothing goes wrong with plugins, and nothing comes of it. */
const NO_PLUGINS: PluginDesk = {
  create: () => Promise.resolve([]),
  list: () => Promise.resolve([]),
  run: () =>
    Promise.resolve({
      event_id: "local",
      agent_id: "local",
      state: "completed",
      phase: "completed",
      message: "Event completed",
      log_level: "info",
      details: null,
      result: null,
      timestamp: "2026-11-23T05:10:00Z",
      attempt: 1,
    }),
  async *check() {},
};

/** A host without a machine. */
export function testHost(
  options: TestHostOptions,
  outputs: { readonly stdout: Output; readonly stderr: Output },
): Host {
  const { start = () => Promise.resolve(0), url, typed, stdin = "" } = options;
  return {
    ...outputs,
    env: { ...(url === undefined ? {} : { TP_URL: url }), ...options.env },
    stdin: {
      isTerminal: typed !== undefined,
      open: () => streamOf(typed ?? stdin),
    },
    files: filesOf(options.files ?? {}),
    fetch: globalThis.fetch,
    clock: options.clock ?? testClock,
    rng: { next: () => 0 },
    kinds: [kind],
    rights: options.rights ??
      (() => Promise.resolve({ objects: [], notes: [] })),
    rightsOf: options.rightsOf ??
      (() =>
        Promise.resolve({
          cluster: undefined,
          username: "",
          rights: [],
          dangers: [],
          lacks: [],
        })),
    plugins: { ...NO_PLUGINS, ...options.plugins },
    starters: {
      cp: (given) => start("cp", given),
      agent: (given) => start("agent", given),
      demo: (given) => start("demo", given),
      migrate: (given) => start("migrate", given),
    },
    publishers: options.publishers ?? {},
    cpConfig: tableOf("cp"),
    agentConfig: tableOf("agent"),
    demoConfig: tableOf("demo"),
    migrateConfig: tableOf("migrate"),
    signal: options.signal ?? new AbortController().signal,
  };
}

/** A host whose output nobody reads. */
export function plainHost(options: TestHostOptions = {}): Host {
  const output = {
    isTerminal: false,
    columns: undefined,
    rows: undefined,
    write: () => {},
  };
  return testHost(options, { stdout: output, stderr: output });
}

/** Runs a command on a host without a machine. */
export async function run(
  args: readonly string[],
  options: TestHostOptions = {},
): Promise<Ran> {
  const { columns, rows, onWrite } = options;
  const written = { stdout: "", stderr: "" };
  function output(name: "stdout" | "stderr"): Output {
    return {
      isTerminal: columns !== undefined,
      columns,
      rows,
      write(text) {
        written[name] += text;
        onWrite?.(text);
      },
    };
  }
  const host = testHost(options, {
    stdout: output("stdout"),
    stderr: output("stderr"),
  });
  const code = await runCli(args, host);
  return { code, ...written };
}
