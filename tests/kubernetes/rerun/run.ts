/**
 * One bundle, sent twice: to a place where nothing happens, and to one where
 * the agent and the control plane are killed. Both places have to end alike.
 *
 * @module
 */
import type { EventView } from "@transporter/sdk";
import { deepStrictEqual } from "node:assert/strict";
import type { LocalKube } from "../../../deploy/localkube/mod.ts";
import { FaultProxy } from "../../fault_proxy.ts";
import { Random } from "../../sim/random.ts";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../../system.ts";
import { freshNamespace } from "../cluster.ts";
import { proxied } from "../k8s_resource.ts";
import { type BundleEvent, groupOf, randomBundle, secondOf } from "./bundle.ts";
import { stateOf } from "./state.ts";

/** A control plane and an agent, whose requests to the API server can be counted. */
export class World implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly kube: LocalKube;
  readonly cp: CpProcess;
  readonly agent: AgentProcess;
  readonly proxy: FaultProxy;
  /** How many processes were killed. */
  kills = 0;

  /** Starts them. */
  static async open(kube: LocalKube): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const proxy = stack.use(
      await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
    );
    const { config } = stack.use(await proxied(proxy, kube));
    const cp = stack.use(await CpProcess.start());
    const agent = stack.use(
      await AgentProcess.start("edge", {
        cpUrl: cp.agentUrl,
        flags: ["--kubeconfig", String(config["kubeconfig"])],
      }),
    );
    await untilConnected(cp.url, "edge");
    return new World({ kube, cp, agent, proxy, stack: stack.move() });
  }

  /** Made by {@linkcode World.open}. */
  constructor(parts: {
    readonly kube: LocalKube;
    readonly cp: CpProcess;
    readonly agent: AgentProcess;
    readonly proxy: FaultProxy;
    readonly stack: AsyncDisposableStack;
  }) {
    this.kube = parts.kube;
    this.cp = parts.cp;
    this.agent = parts.agent;
    this.proxy = parts.proxy;
    this.#stack = parts.stack;
  }

  /** Ends them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Kills one of the processes as soon as so many writes have come to the API server's proxy. */
interface Kill {
  readonly after: number;
  readonly victim: "agent" | "control plane";
  /** Whether the write that it is about does not arrive. */
  readonly lost: boolean;
}

function randomKills(random: Random, overlaps: boolean): Kill[] {
  const kills = Array.from({ length: random.int(1, 3) }, () => ({
    after: random.int(1, random.pick([3, 6, 15])),
    victim: random.chance(0.75) ? "agent" as const : "control plane" as const,
    lost: random.chance(0.5),
  }));
  if (!overlaps) return kills;
  // Only one process of the agent remembers in which order events began.
  const first = kills.find(({ victim }) => victim === "agent");
  return kills.filter((kill) => kill.victim !== "agent" || kill === first);
}

/** A request that changes something. */
function isWrite(method: string, path: string): boolean {
  return method !== "GET" && !path.includes("/selfsubject");
}

/** Kills, one after the other, until it is disposed; then what was killed is back. */
function kill(world: World, kills: readonly Kill[]): AsyncDisposable {
  const left = [...kills];
  let writes = 0;
  let done: Promise<void> = Promise.resolve();
  let busy = false; // a control plane that is not there yet cannot say so when it is killed
  async function restart(victim: Kill["victim"]): Promise<void> {
    const { agent, cp } = world;
    if (victim === "agent") {
      await agent.crash();
      agent.restart();
    } else {
      await cp.crash();
      await cp.restart();
    }
    busy = false;
  }
  world.proxy.onRequest = ({ method, path }) => {
    const [next] = left;
    if (next === undefined || !isWrite(method, path)) return undefined;
    if (++writes < next.after || busy) return undefined;
    left.shift();
    writes = 0;
    busy = true;
    const { program } = next.victim === "agent" ? world.agent : world.cp;
    program.kill("SIGKILL");
    world.kills++;
    done = done.then(() => restart(next.victim));
    return next.lost ? "cut" : undefined;
  };
  return {
    async [Symbol.asyncDispose]() {
      world.proxy.onRequest = undefined;
      await done;
    },
  };
}

/** What is known of an event; `undefined` while the control plane is started again. */
async function eventOf(
  url: string,
  id: string,
): Promise<EventView | undefined> {
  try {
    const answer = await fetch(`${url}/v2/events/${id}`);
    return await answer.json();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

/** Waits until an event has ended. */
function ended(url: string, id: string): Promise<EventView> {
  return until(async () => {
    const event = await eventOf(url, id);
    return event?.finished_at === undefined ? undefined : event;
  });
}

/** Has an event that did not complete tried again, as an operator would, until it has. */
async function complete(url: string, id: string): Promise<void> {
  for (let tries = 1;; tries++) {
    const { state, message, error } = await ended(url, id);
    if (state === "completed") return;
    // A set is the later event's; what this one did not come to apply is none of it.
    if (
      error?.code === "conflict" && /the later event .* has begun/.test(message)
    ) {
      return;
    }
    const isCutOff = error?.code === "interrupted" ||
      error?.code === "quarantined" || error?.code === "cluster_unavailable";
    if (!isCutOff || tries > 5) {
      throw new Error(`Event "${id}" is ${state}: ${message}`);
    }
    const answer = await fetch(`${url}/v2/events/${id}/retry`, {
      method: "POST",
    });
    await answer.body?.cancel();
    await until(async () => {
      const event = await eventOf(url, id);
      return event !== undefined && event.finished_at === undefined;
    });
  }
}

async function send(
  { cp }: World,
  place: string,
  events: readonly BundleEvent[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const { name, payload } of events) {
    const id = `${place}-${name}`;
    await submit(cp.url, {
      id,
      type: "k8s_resource",
      target_agent: "edge",
      payload,
    });
    ids.push(id);
  }
  return ids;
}

/** Sends a bundle to a place of its own; says what the cluster has then. */
async function play(
  world: World,
  seed: number,
  killing: Random | undefined,
): Promise<readonly string[]> {
  const { kube, cp } = world;
  await using namespace = await freshNamespace(kube);
  const place = namespace.name;
  const { generations, overlaps } = randomBundle(
    new Random(`rerun/${seed}`),
    place,
  );
  try {
    const rounds = overlaps ? [generations.flat()] : generations;
    for (const events of rounds) {
      const kills = killing === undefined ? [] : randomKills(killing, overlaps);
      let ids: string[];
      {
        await using _kills = kill(world, kills);
        ids = await send(world, place, events);
        for (const id of ids) await ended(cp.url, id);
      }
      for (const id of ids) await complete(cp.url, id);
    }
    return await stateOf(kube, place);
  } finally {
    await remove(kube, place);
  }
}

async function remove(kube: LocalKube, place: string): Promise<void> {
  for (
    const path of [
      `/api/v1/namespaces/${secondOf(place)}`,
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${
        groupOf(place)
      }`,
    ]
  ) {
    const answer = await kube.fetch(path, { method: "DELETE" });
    await answer.body?.cancel();
  }
}

/**
 * Runs one seed.
 *
 * @throws What differs, with the seed.
 */
export async function runSeed(world: World, seed: number): Promise<void> {
  const random = new Random(`rerun/${seed}`);
  try {
    const undisturbed = await play(world, seed, undefined);
    const disturbed = await play(world, seed, random.fork("kills"));
    const only = (these: readonly string[], those: readonly string[]) =>
      these.filter((each) => !those.includes(each)).join("\n");
    deepStrictEqual(
      only(disturbed, undisturbed),
      only(undisturbed, disturbed),
    );
  } catch (error) {
    throw new Error(
      `Seed ${seed} fails, again with "deno run -A tests/kubernetes/rerun/main.ts --from ${seed}": ${
        error instanceof Error ? error.message : String(error)
      }`,
      { cause: error },
    );
  }
}
