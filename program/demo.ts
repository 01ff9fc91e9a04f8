import {
  deadline,
  type EventView,
  type Executor,
  type ResourceStatus,
  silentLogger,
  systemClock,
  systemRng,
  TransporterError,
  ulids,
  VERSION,
} from "@transporter/sdk";
import { fileURLToPath } from "node:url";
import { chooseCluster, type Cluster } from "./cluster.ts";
import { untilConnected } from "./connected.ts";
import { demoConfig } from "./demo_config.ts";
import { openScripts, sendScript } from "./demo_script.ts";
import { dials } from "./dials.ts";
import { aborted, logTo, type Runtime } from "./runtime.ts";
import { type Given, readSettings } from "./settings.ts";

/** The id of the demo's agent. */
const AGENT = "demo";

/** How long a cluster may take to answer at first, in milliseconds. */
const CLUSTER_MS_MAX = 10_000;

const MANIFEST = new URL("../examples/demo.yaml", import.meta.url);

/** Runs a command of the program in this process; resolves with its exit code. */
export type Run = (args: readonly string[]) => Promise<number>;

/**
 * The main job, whole: a control plane on an embedded store, an agent, a
 * Kubernetes cluster, objects that are applied and read back, and a script where
 * one can be confined.
 *
 * @param given What a person said.
 * @param runtime The process it runs in.
 * @param run Runs other commands of the program.
 * @returns The exit code.
 */
export async function startDemo(
  given: Given,
  runtime: Runtime,
  run: Run,
): Promise<number> {
  const values = readSettings(demoConfig, given, runtime);
  const { print, signal } = runtime;
  const { once, keepRunning } = values;
  if (once && keepRunning) {
    throw new TransporterError(
      "usage",
      "Cannot use both --once and --keep-running",
    );
  }
  await using stack = new AsyncDisposableStack();
  const dataDir = await Deno.makeTempDir({ prefix: "transporter-demo-" });
  stack.defer(() => Deno.remove(dataDir, { recursive: true }));

  print(
    "An event travels to a Kubernetes cluster that nobody can dial into.\n\n",
  );
  const cluster = stack.use(await chooseCluster(values, runtime));
  print(`cluster        ${cluster.description}\n`);
  const url = await openControlPlane(values.listen, dataDir, {
    runtime,
    stack,
  });
  print(`control plane  ${url} (development mode, events in ${dataDir})\n`);
  const scripts = await openScripts(`${dataDir}/script`, runtime);
  const more = scripts instanceof TransporterError ? [] : [stack.use(scripts)];
  await openAgent(cluster, { url, dataDir, runtime, stack, more });
  print(`agent          ${AGENT}, dialled in\n\n`);

  const id = `demo-${ulids(systemClock.now, systemRng).next()}`;
  const file = fileURLToPath(MANIFEST);
  print(
    `$ transporter send k8s -f examples/demo.yaml --agent ${AGENT} --wait\n`,
  );
  const args = [
    "send",
    "k8s",
    "-f",
    file,
    "--agent",
    AGENT,
    "--id",
    id,
    "--wait",
  ];
  let code = await run([...args, "--timeout", "2m", "--cp-url", url]);
  if (signal.aborted) return code;
  if (code === 0) {
    await showObjects(cluster, { url, id, runtime });
    if (scripts instanceof TransporterError) {
      print(`\nNo script is run: ${scripts.message}\n`);
    } else code = await sendScript(AGENT, { url, runtime, run });
  }

  if (keepRunning || (!once && runtime.isTerminal)) {
    print(`\nIn another terminal:\n  export TP_URL=${url}\n`);
    print(
      `  deno task transporter get events\n  deno task transporter describe event ${id}\n`,
    );
    print(
      `  export KUBECONFIG=${cluster.kubeconfig}\n\nCtrl-C ends all of it.\n`,
    );
    await aborted(signal);
  }
  return code;
}

interface Surroundings {
  readonly runtime: Runtime;
  readonly stack: AsyncDisposableStack;
}

/** Opens a control plane; on another port when the one asked for is in use. */
async function openControlPlane(
  listen: string,
  dataDir: string,
  { runtime, stack }: Surroundings,
): Promise<string> {
  const { ControlPlane } = await import("@transporter/cp");
  const { kinds } = await import("@transporter/plugins");
  const log = logTo(runtime, "warn");
  async function open(address: string): Promise<string> {
    const config = { dev: true, dataDir: `${dataDir}/cp`, listen: address };
    return stack.use(await ControlPlane.open({ config, kinds, log })).url;
  }
  try {
    return await open(listen);
  } catch (error) {
    if (!(error instanceof TransporterError) || error.code !== "port_in_use") {
      throw error;
    }
    return await open("127.0.0.1:0");
  }
}

/** Opens an agent, and waits until the control plane knows it. */
async function openAgent(
  cluster: Cluster,
  { url, dataDir, runtime, stack, more }: Surroundings & {
    readonly url: string;
    readonly dataDir: string;
    readonly more: readonly Executor[];
  },
): Promise<void> {
  const { Agent } = await import("@transporter/agent");
  const { standard } = await import("@transporter/plugins");
  const [plugin] = standard;
  if (plugin === undefined) {
    throw new TypeError("Cannot be: k8s_resource ships");
  }
  const log = logTo(runtime, "warn");
  const executor = stack.use(
    await plugin.open({ ...clusterConfig(cluster), agent_id: AGENT }, {
      signal: runtime.signal,
      log: silentLogger,
    }),
  );
  await findCluster(executor, runtime.signal);
  const agent = stack.use(
    await Agent.open({
      agentId: AGENT,
      cpUrl: [`${url.replace(/^http/, "ws")}/ws`],
      dataDir: `${dataDir}/agent`,
      executors: [executor, ...more],
      dials: dials(runtime.env),
      version: VERSION,
      hostname: Deno.hostname(),
      log,
    }),
  );
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  let connected = false;
  stack.defer(async () => {
    stop.abort();
    await running.catch((reason) => {
      if (connected) throw reason; // else it is what we throw already
    });
  });
  const { signal } = runtime;
  await untilConnected(AGENT, { url, running, clock: systemClock, signal });
  connected = true;
}

/**
 * Whether the cluster answers: an agent waits until it does, a person need not.
 *
 * @throws {TransporterError} `cluster_unavailable`, or what else is wrong.
 */
async function findCluster(
  executor: Executor,
  signal: AbortSignal,
): Promise<void> {
  const reason = new TransporterError(
    "cluster_unavailable",
    `No answer of the API server came in ${CLUSTER_MS_MAX / 1000} s`,
  );
  using limit = deadline(systemClock, CLUSTER_MS_MAX, { reason, signal });
  try {
    await executor.place(limit.signal);
  } catch (error) {
    const { code, message } = TransporterError.from(error);
    // It answered, and does not tell everybody which it is.
    if (code === "denied" || code === "not_found") return;
    throw new TransporterError(
      code,
      `${message}: start the cluster, or name another with --kube-context or --kubeconfig`,
      { cause: error },
    );
  }
}

function clusterConfig(
  { kubeconfig, context }: Cluster,
): Readonly<Record<string, string>> {
  return { kubeconfig, ...(context === undefined ? {} : { context }) };
}

/** Shows the objects of an event as the API server has them. */
async function showObjects(
  cluster: Cluster,
  { url, id, runtime }: {
    readonly url: string;
    readonly id: string;
    readonly runtime: Runtime;
  },
): Promise<void> {
  const { readBack } = await import("@transporter/plugins/read_back");
  const answer = await fetch(`${url}/v2/events/${id}`);
  const event: EventView = await answer.json();
  const objects = event.result?.resource_status ?? [];
  const found = await readBack(clusterConfig(cluster), objects, runtime.signal);
  runtime.print("\nRead back from the cluster:\n");
  const names = objects.map(nameOf);
  const width = Math.max(0, ...names.map((name) => name.length));
  objects.forEach((_, i) => {
    runtime.print(
      `  ${(names[i] ?? "").padEnd(width)}  ${identityOf(found[i])}\n`,
    );
  });
  if (found.includes(undefined)) {
    throw new TransporterError(
      "failed",
      "Cannot find every object that the event reports",
    );
  }
}

function nameOf({ kind, namespace, name }: ResourceStatus): string {
  return `${kind}/${namespace === "" ? "" : `${namespace}/`}${name}`;
}

/** What only the API server can know of an object. */
function identityOf(
  object: Readonly<Record<string, unknown>> | undefined,
): string {
  if (object === undefined) return "not there";
  const { uid, resourceVersion, creationTimestamp } =
    object["metadata"] as Record<string, string>;
  return `uid ${uid}, resourceVersion ${resourceVersion}, created ${creationTimestamp}`;
}
