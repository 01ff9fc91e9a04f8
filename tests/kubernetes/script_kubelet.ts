/**
 * What a kubelet says of the Pods of scripts, written by a test, as an API
 * server without nodes runs none. Their logs cannot be read there.
 *
 * @module
 */
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { ANNOTATIONS } from "../../plugins/script/job/objects.ts";
import { until } from "../system.ts";
import { read, write } from "./k8s_resource.ts";

interface Listed {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly creationTimestamp: string;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly labels?: Readonly<Record<string, string>>;
    };
  }[];
}

/** The Pod of the script of an event. */
export interface ScriptPod {
  /** Its name. */
  readonly name: string;
  /** When its Job was made, in milliseconds since 1970. */
  readonly createdAt: number;
}

/** What a kubelet does for the Pods of scripts of a namespace. */
export class ScriptKubelet {
  readonly #kube: LocalKube;
  readonly #namespace: string;

  /** Made for a namespace. */
  constructor(kube: LocalKube, namespace: string) {
    this.#kube = kube;
    this.#namespace = namespace;
  }

  /** Waits for the Pod of an event, by what its id begins with; those before it may have been seen. */
  async pod(id: string, seen: readonly ScriptPod[] = []): Promise<ScriptPod> {
    return await until(async () => {
      const jobs = await this.#list("/apis/batch/v1", "jobs");
      const pods = await this.#list("/api/v1", "pods");
      for (const { metadata: job } of jobs) {
        if (!job.annotations?.[ANNOTATIONS.event]?.startsWith(id)) continue;
        const found = pods.find(({ metadata: { labels } }) =>
          labels?.["batch.kubernetes.io/job-name"] === job.name
        );
        const name = found?.metadata.name;
        if (name === undefined || seen.some((each) => each.name === name)) {
          continue;
        }
        return { name, createdAt: Date.parse(job.creationTimestamp) };
      }
      return undefined;
    });
  }

  /** Says how a Pod is: the state of its container, and what else its status has. */
  async say(
    { name }: ScriptPod,
    state: object,
    status: object = {},
  ): Promise<void> {
    const container = { name: "script", image: "", imageID: "", ready: false };
    await write(this.#kube, `${this.#at("/api/v1", "pods")}/${name}/status`, {
      method: "PATCH",
      body: {
        status: {
          ...status,
          containerStatuses: [{ ...container, restartCount: 0, state }],
        },
      },
    });
  }

  /** Ends a Pod. */
  async end(pod: ScriptPod, exitCode = 0): Promise<void> {
    await this.say(pod, { terminated: { exitCode } }, {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
    });
  }

  /** Answers the two Pods that try what the cluster keeps scripts from: nothing, as far as they can tell. */
  async answerProbes(): Promise<void> {
    const first = await this.pod("network probe");
    const second = await this.pod("network probe", [first]);
    await this.end(first);
    await this.end(second);
  }

  async #list(group: string, kind: string): Promise<Listed["items"]> {
    return (await read<Listed>(this.#kube, this.#at(group, kind))).items;
  }

  #at(group: string, kind: string): string {
    return `${group}/namespaces/${this.#namespace}/${kind}`;
  }
}
