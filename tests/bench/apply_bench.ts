import { strictEqual } from "node:assert/strict";
import { createParser } from "eventsource-parser";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace } from "../kubernetes/cluster.ts";
import { AgentProcess, CpProcess, submit, untilConnected } from "../system.ts";
import type { Figure } from "./figures.ts";
import { logsTo, memoryMb, withCost } from "./process.ts";
import { PEERS } from "./peers.ts";

const OBJECTS = 1000;
/** How many are in flight on both sides. */
const LANES = 8;

/** What is told besides: how many of ours in flight make use of the pauses of each. */
const MANY_LANES = 32;

/** Laps that are thrown away, and laps that count. */
const WARM_LAPS = 5;
const LAPS = 3;

function configMap(namespace: string, name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: ${namespace}}\ndata: {a: b}\n`;
}

/** Does something for each number below {@linkcode OBJECTS}, several at a time; how many a second. */
async function inLanes(
  act: (index: number) => Promise<void>,
  lanes: number = LANES,
): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < OBJECTS) await act(next++);
  }));
  return OBJECTS / ((performance.now() - startedAt) / 1000);
}

/** How many objects a second the API server takes by a server-side apply and a GET each, without anything of ours. */
async function directRate(
  kube: LocalKube,
  { namespace, lap }: { readonly namespace: string; readonly lap: string },
): Promise<number> {
  return await inLanes(async (index) => {
    const name = `direct-${lap}-${index}`;
    const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
    const applied = await kube.fetch(`${path}?fieldManager=bench`, {
      method: "PATCH",
      headers: { "content-type": "application/apply-patch+yaml" },
      body: configMap(namespace, name),
    });
    const text = await applied.text();
    if (applied.status !== 201) throw new Error(`${applied.status}: ${text}`);
    const read = await kube.fetch(path);
    await read.json();
    strictEqual(read.status, 200);
  });
}

/** A control plane and its agent. */
export interface System extends AsyncDisposable {
  readonly cp: CpProcess;
  readonly agent: AgentProcess;
  /** Sends an event and waits until it has ended, which it has to do well. */
  run(event: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Starts both, and follows the ends of events. */
export async function openSystem(
  kube: LocalKube,
  script: string,
): Promise<System> {
  await using opened = new AsyncDisposableStack();
  let following = Promise.resolve();
  opened.defer(() => following); // once the control plane is gone
  const log = await Deno.makeTempFile({ prefix: "transporter-bench-" });
  opened.defer(() => Deno.remove(log));
  const cp = opened.use(await CpProcess.start({ script }));
  const agent = opened.use(
    await AgentProcess.start("bench", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kube.kubeconfig],
      script,
      via: logsTo(log),
    }),
  );
  await untilConnected(cp.url, "bench");
  const stop = new AbortController();
  opened.defer(() => stop.abort());
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  following = follow(
    cp.url,
    stop.signal,
    ({ event_id, state, message }) => {
      if (state === "completed") waiting.get(event_id)?.resolve();
      if (state === "failed") waiting.get(event_id)?.reject(new Error(message));
    },
  );
  const owned = opened.move();
  return {
    cp,
    agent,
    async run(event) {
      const ended = Promise.withResolvers<void>();
      const id = String(event["id"]);
      waiting.set(id, ended);
      await submit(cp.url, {
        ...event,
        type: "k8s_resource",
        target_agent: "bench",
      });
      await ended.promise;
      waiting.delete(id);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the stream tells of an event. */
interface Told {
  readonly event_id: string;
  readonly state: string;
  readonly message?: string;
}

async function follow(
  url: string,
  signal: AbortSignal,
  onStatus: (status: Told) => void,
): Promise<void> {
  // As whoever sends many would: their ends are all that is waited for.
  const ends = `${url}/v2/stream?state=completed&state=failed`;
  const answer = await fetch(ends, { signal });
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === "status") onStatus(JSON.parse(data));
    },
  });
  try {
    for await (
      const text of answer.body?.pipeThrough(new TextDecoderStream()) ?? []
    ) {
      parser.feed(text);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * How many objects a second something takes, beside what the API server alone
 * takes, in turns. The first laps of both are thrown away: all of them are
 * programs that run for weeks, and compile what they do often. What the very
 * first lap was is told, too. Nothing is deleted before the end: the API server
 * would do that beside us.
 */
async function shareOf(
  { kube, namespace, system }: {
    readonly kube: LocalKube;
    readonly namespace: string;
    readonly system: System;
  },
  rateOf: (lap: string) => Promise<number>,
): Promise<Pick<Figure, "value" | "unit" | "note" | "also">> {
  const direct: number[] = [];
  const ours: number[] = [];
  const costs: string[] = [];
  for (let lap = 0; lap < WARM_LAPS + LAPS; lap++) {
    direct.push(await directRate(kube, { namespace, lap: `${lap}` }));
    const { rate, cost } = await withCost(
      system,
      OBJECTS,
      () => rateOf(`${lap}`),
    );
    ours.push(rate);
    costs.push(cost);
  }
  direct.push(await directRate(kube, { namespace, lap: "last" }));
  const shareFrom = (lap: number, until: number) =>
    mean(ours.slice(lap, until)) / mean(direct.slice(lap, until + 1));
  const rates = (values: readonly number[]) =>
    values.slice(WARM_LAPS).map((value) => value.toFixed(0)).join(", ");
  return {
    value: shareFrom(WARM_LAPS, WARM_LAPS + LAPS),
    unit: "",
    note: `${rates(ours)}/s; apply and GET of the API server alone, in turns: ${
      rates(direct)
    }/s; share of the first lap, when nothing is compiled: ${
      shareFrom(0, 1).toFixed(2)
    }; an object took ${costs.at(-1)}`,
    also: {
      per_s: mean(ours.slice(WARM_LAPS)),
      direct_per_s: mean(direct.slice(WARM_LAPS)),
      first_lap_share: shareFrom(0, 1),
    },
  };
}

/** Events of one object each, eight at a time, in turns with the API server alone. */
export async function beside(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  await using namespace = await freshNamespace(kube);
  await using system = await openSystem(kube, script);
  const { name } = namespace;
  const rateOf = (lap: string, lanes: number = LANES) =>
    inLanes((index) =>
      system.run({
        id: `${name}-${lap}-${index}`,
        payload: { manifests: [configMap(name, `${lap}-${index}`)] },
      }), lanes);
  const share = await shareOf({ kube, namespace: name, system }, rateOf);
  const many: number[] = [];
  for (let lap = 0; lap < LAPS; lap++) {
    many.push(await rateOf(`many-${lap}`, MANY_LANES));
  }
  return [{
    what: "events of one object, eight at a time, share of the direct rate",
    bar: { atLeast: 0.6 },
    peer: PEERS.share,
    ...share,
    note: `${share.note}; ${MANY_LANES} events at a time: ${
      mean(many).toFixed(0)
    }/s`,
    also: { ...share.also, per_s_with_32: mean(many) },
  }];
}

/** One event of a thousand objects, in turns with the API server alone. */
export async function bundle(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  await using namespace = await freshNamespace(kube);
  await using system = await openSystem(kube, script);
  const { name } = namespace;
  const rateOf = async (lap: string) => {
    const startedAt = performance.now();
    await system.run({
      id: `${name}-${lap}`,
      payload: {
        manifests: [
          Array.from(
            { length: OBJECTS },
            (_, index) => configMap(name, `${lap}-${index}`),
          ).join("---\n"),
        ],
      },
    });
    return OBJECTS / ((performance.now() - startedAt) / 1000);
  };
  return [
    {
      what: "one event of 1,000 objects, share of the direct rate",
      bar: { atLeast: 0.7 },
      peer: PEERS.none,
      ...await shareOf({ kube, namespace: name, system }, rateOf),
    },
    {
      what: "one event of 1,000 objects, agent's memory at most",
      value: await memoryMb(system.agent.program.pid, "VmHWM"),
      unit: "MB",
      bar: { atMost: 150 },
      peer: PEERS.agentLoaded,
    },
  ];
}
