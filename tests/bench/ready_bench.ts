import { strictEqual } from "node:assert/strict";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { FaultProxy } from "../fault_proxy.ts";
import { freshNamespace } from "../kubernetes/cluster.ts";
import {
  deployment,
  openPlugin,
  proxied,
  read,
  runEvent,
  write,
} from "../kubernetes/k8s_resource.ts";
import type { Figure } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { until } from "../until.ts";

const DEPLOYMENTS = 500;

/** What is looked at of a Deployment. */
interface Live {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly availableReplicas?: number;
  };
}

/**
 * An event with 500 Deployments, all but one of which need no pods: how long
 * after the last is ready the event is, and what was asked for that. Who plays
 * the kubelet looks at the last one itself, apart from the executor.
 */
export async function ready(kube: LocalKube): Promise<Figure[]> {
  await using fresh = await freshNamespace(kube);
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using config = await proxied(proxy, kube);
  await using executor = await openPlugin(config.config);
  const { name: namespace } = fresh;
  const manifests = Array.from({ length: DEPLOYMENTS }, (_, index) => {
    const one = deployment(namespace, `web-${index}`);
    return index === DEPLOYMENTS - 1
      ? one
      : one.replace("replicas: 1", "replicas: 0");
  });
  const root = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const last = `${root}/web-${DEPLOYMENTS - 1}`;
  const running = runEvent(executor, manifests).then((run) => ({
    run,
    endedAt: performance.now(),
  }));

  await until(async () => {
    const { items } = await read<{ items: readonly Live[] }>(kube, root);
    return items.length === DEPLOYMENTS &&
      items.every(({ metadata, status }) =>
        status?.observedGeneration === metadata.generation
      );
  });
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  let name: string | undefined;
  await until(async () => {
    const { items } = await read<
      { items: readonly { readonly metadata: { readonly name: string } }[] }
    >(kube, pods);
    name = items[0]?.metadata.name;
    return name !== undefined;
  });
  await write(kube, `${pods}/${name}/status`, {
    method: "PATCH",
    type: "application/strategic-merge-patch+json",
    body: {
      status: {
        phase: "Running",
        conditions: ["Initialized", "ContainersReady", "Ready"].map((type) => ({
          type,
          status: "True",
          lastTransitionTime: new Date().toISOString(),
        })),
      },
    },
  });
  await until(async () =>
    (await read<Live>(kube, last)).status?.availableReplicas === 1
  );
  const readyAt = performance.now();
  const { run, endedAt } = await running;
  strictEqual(run.last.state, "completed", run.last.message);

  const asked = proxy.seen.filter(({ method, path }) =>
    method === "GET" && path.startsWith(`${root}?`)
  );
  const lists = asked.filter(({ path }) =>
    !path.includes("watch=") && !path.includes("continue=")
  );
  const watches = asked.filter(({ path }) => path.includes("watch="));
  return [
    {
      what:
        `${DEPLOYMENTS} Deployments: the event ends after the last is ready`,
      value: (endedAt - readyAt) / 1000,
      unit: "s",
      bar: { atMost: 1 },
      peer: PEERS.ready,
      note: `${watches.length} watches of at most 30 s, one after the other`,
      also: { watches: watches.length },
    },
    {
      what: `${DEPLOYMENTS} Deployments: lists to wait for them`,
      value: lists.length,
      unit: "lists",
      bar: { atMost: 1 },
      peer: PEERS.none,
    },
  ];
}
