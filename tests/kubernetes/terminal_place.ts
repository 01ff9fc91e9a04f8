/**
 * The program on a terminal, with a control plane, an agent and a cluster.
 *
 * @module
 */
import type { EventView } from "@transporter/sdk";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { AgentProcess, CpProcess, untilConnected } from "../system.ts";
import { type Size, Terminal } from "../terminal.ts";
import { type FreshNamespace, freshNamespace, testCluster } from "./cluster.ts";
import { write } from "./k8s_resource.ts";

/** A control plane, an agent at a cluster, and a folder for manifests. */
export class Place implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  /** The cluster. */
  readonly kube: LocalKube;
  /** A namespace of its own. */
  readonly namespace: string;
  /** The control plane. */
  readonly cp: CpProcess;
  /** Where manifests are. */
  readonly folder: string;

  /** Starts all of it. */
  static async open(): Promise<Place> {
    await using stack = new AsyncDisposableStack();
    const kube = stack.use(await testCluster());
    const namespace = stack.use(await freshNamespace(kube));
    const folder = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const cp = stack.use(await CpProcess.start());
    stack.use(
      await AgentProcess.start("edge", {
        cpUrl: cp.agentUrl,
        flags: ["--kubeconfig", kube.kubeconfig],
      }),
    );
    await untilConnected(cp.url, "edge");
    return new Place(stack.move(), { kube, namespace, cp, folder });
  }

  /** Made by {@linkcode Place.open}. */
  constructor(
    stack: AsyncDisposableStack,
    { kube, namespace, cp, folder }: {
      readonly kube: LocalKube;
      readonly namespace: FreshNamespace;
      readonly cp: CpProcess;
      readonly folder: string;
    },
  ) {
    this.#stack = stack;
    this.kube = kube;
    this.namespace = namespace.name;
    this.cp = cp;
    this.folder = folder;
  }

  /** `send k8s --wait`, or with other flags, with manifests, on a terminal. */
  async send(
    manifests: readonly string[],
    size: Size,
    env: Readonly<Record<string, string>> = {},
    flags: readonly string[] = ["--wait"],
    id = "e1",
  ): Promise<Terminal> {
    const path = `${this.folder}/all.yaml`;
    await Deno.writeTextFile(path, manifests.join("---\n"));
    const args = ["send", "k8s", "-f", path, "--agent", "edge"];
    return new Terminal([...args, "--id", id, ...flags], size, {
      TP_URL: this.cp.url,
      ...env,
    });
  }

  /** Makes a Deployment ready, as its controller would. */
  async makeReady(name: string): Promise<void> {
    const { kube, namespace } = this;
    const available = { readyReplicas: 1, availableReplicas: 1 };
    const counts = { replicas: 1, updatedReplicas: 1, ...available };
    await write(
      kube,
      `/apis/apps/v1/namespaces/${namespace}/deployments/${name}/status`,
      {
        method: "PATCH",
        body: { status: { observedGeneration: 1, ...counts } },
      },
    );
  }

  /** The event of {@linkcode Place.send}. */
  async event(): Promise<EventView> {
    return await (await fetch(`${this.cp.url}/v2/events/e1`)).json();
  }

  /** Ends all of it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
