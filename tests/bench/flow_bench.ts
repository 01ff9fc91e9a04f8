import { strictEqual } from "node:assert/strict";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace } from "../kubernetes/cluster.ts";
import {
  AgentProcess,
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { type Figure, percentile } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { logsTo } from "./process.ts";

const ONE_BY_ONE = 300;
const BURST = 1000;
const BURST_SOCKETS = 64;
const OFFLINE = 200;

/** An event of one ConfigMap for the agent "bench". */
export function configMap(
  namespace: string,
  name: string,
): Record<string, unknown> {
  return {
    id: `${namespace}-${name}`,
    type: "k8s_resource",
    target_agent: "bench",
    payload: {
      manifests: [
        `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: ${namespace}}\ndata: {a: b}\n`,
      ],
    },
  };
}

/** Tells the name of each ConfigMap of a namespace as soon as the API server shows it. */
async function watchNames(
  kube: LocalKube,
  namespace: string,
  options: {
    readonly signal: AbortSignal;
    readonly onName: (name: string) => void;
  },
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps?watch=true`;
  const answer = await kube.fetch(path, { signal: options.signal });
  let rest = "";
  try {
    for await (
      const text of answer.body?.pipeThrough(new TextDecoderStream()) ?? []
    ) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const { type, object } = JSON.parse(line);
        if (type === "ADDED") options.onName(object.metadata.name);
      }
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

/** From POST to the object being visible, one event after the other. */
export async function oneByOne(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  await using namespace = await freshNamespace(kube);
  await using cp = await CpProcess.start({ script });
  await using _agent = await AgentProcess.start("bench", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
    script,
  });
  await untilConnected(cp.url, "bench");
  const waiting = new Map<string, () => void>();
  const stop = new AbortController();
  const watching = watchNames(kube, namespace.name, {
    signal: stop.signal,
    onName: (name) => waiting.get(name)?.(),
  });
  const times: number[] = [];
  for (let i = 0; i < ONE_BY_ONE; i++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(`one-${i}`, resolve);
    const startedAt = performance.now();
    await submit(cp.url, configMap(namespace.name, `one-${i}`));
    await promise;
    if (i >= 20) times.push(performance.now() - startedAt); // the first ones warm both up
  }
  stop.abort();
  await watching;
  const note = `${times.length} events`;
  return [
    {
      what: "POST to object visible, one at a time, p50",
      value: percentile(times, 0.5),
      unit: "ms",
      bar: { atMost: 25 },
      peer: PEERS.oneByOneP50,
      note,
    },
    {
      what: "POST to object visible, one at a time, p99",
      value: percentile(times, 0.99),
      unit: "ms",
      bar: { atMost: 100 },
      peer: PEERS.oneByOneP99,
      note,
    },
  ];
}

/** How many objects a second the API server takes without anything of ours, eight at a time. */
async function directRate(kube: LocalKube, namespace: string): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < BURST) {
      const name = `direct-${next++}`;
      const path =
        `/api/v1/namespaces/${namespace}/configmaps/${name}?fieldManager=bench`;
      const answer = await kube.fetch(path, {
        method: "PATCH",
        headers: { "content-type": "application/apply-patch+yaml" },
        body:
          `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: b}\n`,
      });
      const text = await answer.text();
      if (answer.status !== 201) throw new Error(`${answer.status}: ${text}`);
    }
  }));
  return BURST / ((performance.now() - startedAt) / 1000);
}

/** A thousand events at once to one agent: how many are applied a second, and whether any is lost. */
export async function burst(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  await using namespace = await freshNamespace(kube);
  const log = await Deno.makeTempFile({ prefix: "transporter-bench-" });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => Deno.remove(log));
  await using cp = await CpProcess.start({ script });
  await using _agent = await AgentProcess.start("bench", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
    script,
    via: logsTo(log),
  });
  await untilConnected(cp.url, "bench");
  await submit(cp.url, configMap(namespace.name, "warm-up"));
  await until(async () => (await listEvents(cp.url))[0]?.finished_at);

  const direct = await directRate(kube, namespace.name);
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(Array.from({ length: BURST_SOCKETS }, async () => {
    while (next < BURST) {
      await submit(cp.url, configMap(namespace.name, `burst-${next++}`));
    }
  }));
  const acceptedAt = performance.now();
  await until(async () => {
    const metrics = await (await fetch(`${cp.url}/metrics`, {
      headers: { accept: "application/json" },
    }))
      .json();
    return metrics.events.completed + (metrics.events.failed ?? 0) > BURST
      ? true
      : undefined;
  }, { everyMs: 100 }); // each question costs what is measured
  const seconds = (performance.now() - startedAt) / 1000;
  const events = await listEvents(cp.url);
  const completed = events.filter(({ state }) => state === "completed").length -
    1;
  const answer = await kube.fetch(
    `/api/v1/namespaces/${namespace.name}/configmaps`,
  );
  const acceptedPerSecond = BURST / ((acceptedAt - startedAt) / 1000);
  const list: { items: { metadata: { name: string } }[] } = await answer.json();
  const applied =
    list.items.filter(({ metadata }) => metadata.name.startsWith("burst-"))
      .length;
  strictEqual(applied, completed, "what is called completed is in the cluster");
  return [
    {
      what: "1,000 events at once, applied",
      value: applied,
      unit: "events",
      bar: { atLeast: BURST },
      peer: PEERS.appliedAll,
      note: `accepted at ${acceptedPerSecond.toFixed(0)}/s`,
      also: { accepted_per_s: acceptedPerSecond },
    },
    {
      what: "1,000 events at once, rate",
      value: BURST / seconds,
      unit: "/s",
      bar: { atLeast: 300 },
      peer: PEERS.applied,
      note:
        `from the first POST to the last status; the API server alone takes ${
          direct.toFixed(0)
        }/s in this run, share ${(BURST / seconds / direct).toFixed(2)}`,
      also: { direct_per_s: direct, share: BURST / seconds / direct },
    },
  ];
}

/** From the moment an agent registers to the event that waited for it. */
export async function offline(script: string): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script });
  const times: number[] = [];
  for (let i = 0; i < OFFLINE; i++) {
    await answerFrame(cp.agentUrl, "registered");
    await submit(cp.url, {
      ...configMap("none", `late-${i}`),
      target_agent: "late",
    });
    const startedAt = performance.now();
    await answerFrame(cp.agentUrl, `none-late-${i}`);
    times.push(performance.now() - startedAt);
    // It completes, so that the next round finds an empty window.
    await until(async () => {
      const event = await (await fetch(`${cp.url}/v2/events/none-late-${i}`))
        .json();
      return event.finished_at;
    });
  }
  return [{
    what: "queued for an offline agent, delivered after it dials, p99",
    value: percentile(times, 0.99),
    unit: "ms",
    bar: { atMost: 200 },
    peer: PEERS.offline,
    note: `${OFFLINE} times, dialling included`,
  }];
}

/** Registers as a version 1 agent, waits for a frame with a text in it, completes its event if it is one, and leaves. */
async function answerFrame(url: string, text: string): Promise<void> {
  const socket = new WebSocket(url);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await new Promise<void>((resolve, reject) => {
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
    socket.onopen = () =>
      socket.send(JSON.stringify({
        id: "late",
        name: "late",
        cluster_name: "late",
        version: "0.1.0",
        capabilities: ["k8s_crud"],
      }));
    socket.onmessage = ({ data }) => {
      if (!String(data).includes(text)) return;
      const frame = JSON.parse(data);
      if (frame.type === "event") {
        socket.send(JSON.stringify({
          type: "status_update",
          event_id: frame.event.id,
          agent_id: "late",
          state: "completed",
          phase: "completed",
          message: "",
          log_level: "info",
          details: null,
          result: null,
          timestamp: new Date().toISOString(),
        }));
      }
      resolve();
    };
  });
  socket.close();
  await closed;
}
