/**
 * Several control planes on one Redis, with agents that know all of them.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import type { AgentView, EventView } from "@transporter/sdk";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { CpProcess, listEvents, until } from "../system.ts";
import { type RedisServer, startRedis } from "./server.ts";

/**
 * Milliseconds after which agents are not where they should be: six times what
 * a takeover may take, as other tests run beside.
 */
const AGENTS_MS_MAX = 60_000;

/** What an agent dials, in turn, of control planes `a` and `b`. */
export type Dialled = (a: CpProcess, b: CpProcess) => readonly string[];

/** Options of {@linkcode Replicas.start}. */
export interface ReplicasOptions {
  /** How many agents, over WebSockets; or what each of them dials, by id. */
  readonly agents: number | Readonly<Record<string, Dialled>>;
  /** More flags of both control planes. */
  readonly flags?: readonly string[];
  /** The Redis, which stays the caller's; by default a new one. */
  readonly redis?: RedisServer;
  /** Where the second one finds it, if not where it is. */
  readonly way?: string;
}

/** Agents `edge-0` and on; every other one dials the other control plane first. */
function inTurn(count: number): Readonly<Record<string, Dialled>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`edge-${i}`, (a, b) => {
      const urls = [a.agentUrl, b.agentUrl];
      return i % 2 === 1 ? urls.reverse() : urls;
    }]),
  );
}

/** Two control planes, `a` and `b`, and their agents. */
export class Replicas implements AsyncDisposable {
  readonly #held: AsyncDisposableStack;
  /** Where everything is kept. */
  readonly redis: RedisServer;
  /** The control planes. */
  readonly cps: readonly [CpProcess, CpProcess];
  /** The agents, by id. */
  readonly agents: ReadonlyMap<string, WitnessAgent>;
  /** Ids that were answered 202. */
  readonly accepted = new Set<string>();

  private constructor(
    held: AsyncDisposableStack,
    parts: Pick<Replicas, "redis" | "cps" | "agents">,
  ) {
    this.#held = held;
    this.redis = parts.redis;
    this.cps = parts.cps;
    this.agents = parts.agents;
  }

  /** Starts everything, and waits until every agent is connected. */
  static async start(
    options: ReplicasOptions,
  ): Promise<Replicas> {
    await using opened = new AsyncDisposableStack();
    const { flags = [] } = options;
    const dialled = typeof options.agents === "number"
      ? inTurn(options.agents)
      : options.agents;
    const redis = options.redis ?? opened.use(await startRedis());
    const cp = async (name: string, store: string) =>
      opened.use(
        await CpProcess.start({
          flags: ["--store", store, "--replica-name", name, ...flags],
        }),
      );
    const a = await cp("a", redis.url);
    const b = await cp("b", options.way ?? redis.url);
    const agents = new Map<string, WitnessAgent>();
    for (const [id, urls] of Object.entries(dialled)) {
      agents.set(id, opened.use(await WitnessAgent.start(id, ...urls(a, b))));
    }
    const held = opened.move();
    const all = new Replicas(held, { redis, cps: [a, b], agents });
    await all.untilAgents(
      a,
      (views) =>
        views.filter(({ connected }) => connected).length === agents.size,
    );
    return all;
  }

  /**
   * Waits until a control plane says something of the agents.
   *
   * @throws With what it says instead after {@linkcode AGENTS_MS_MAX}.
   */
  async untilAgents(
    { url }: CpProcess,
    condition: (agents: readonly AgentView[]) => boolean,
  ): Promise<void> {
    const signal = AbortSignal.timeout(AGENTS_MS_MAX);
    let seen = "nothing";
    await until(async () => {
      if (signal.aborted) throw new Error(`${url} still says ${seen}`);
      try {
        const answer = await fetch(`${url}/v2/agents`, { signal });
        seen = await answer.text();
        if (!answer.ok) return undefined;
        const { items } = JSON.parse(seen);
        return condition(items) ? true : undefined;
      } catch {
        return undefined; // it is not there, or about to go
      }
    });
  }

  /** Sends an event to either control plane until it is accepted, or has been. */
  async submit(id: string, agent: string, first = 0): Promise<void> {
    const body = JSON.stringify({ ...witnessEvent(id), target_agent: agent });
    for (let turn = first;; turn++) {
      try {
        const answer = await fetch(
          `${this.cps[turn % 2 === 0 ? 0 : 1].url}/v2/events`,
          {
            method: "POST",
            headers: { "content-type": "application/json" },
            body,
            signal: AbortSignal.timeout(5000),
          },
        );
        await answer.body?.cancel();
        if (answer.status === 202) return void this.accepted.add(id);
        if (answer.status < 429) {
          throw new RangeError(`${id}: ${answer.status}`);
        }
      } catch (error) {
        if (error instanceof RangeError) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends events to all agents, some at a time, until told to stop; resolves when all are accepted. */
  async load(signal: AbortSignal, atOnce = 8): Promise<void> {
    let next = 0;
    const ids = [...this.agents.keys()];
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (!signal.aborted) {
          const n = next++;
          await this.submit(`e${n}`, ids[n % ids.length] ?? "", n);
        }
      }),
    );
  }

  /** The agents, by what a control plane says. */
  async agentsOf({ url }: CpProcess): Promise<readonly AgentView[]> {
    const { items } = await (await fetch(`${url}/v2/agents`)).json();
    return items;
  }

  /** Waits until every event, or one of them, has ended, by what a control plane says. */
  async ended({ url }: CpProcess, id?: string): Promise<readonly EventView[]> {
    return await until(async () => {
      const events = id === undefined
        ? await listEvents(url)
        : [await (await fetch(`${url}/v2/events/${id}`)).json()];
      const open = events.some(({ finished_at }) => finished_at === undefined);
      return open ? undefined : events;
    }, { everyMs: id === undefined ? 200 : 20 });
  }

  /** Every start so far of all agents, as `id attempt`. */
  async starts(): Promise<readonly string[]> {
    const all = [...this.agents.values()].map((agent) => agent.starts());
    return (await Promise.all(all)).flat();
  }

  /** Everything that was accepted was done, once. */
  async judge(): Promise<void> {
    const events = await this.ended(this.cps[0]);
    deepStrictEqual(
      events.map(({ spec, state }) => `${spec.id} ${state}`).sort(),
      [...this.accepted].map((id) => `${id} completed`).sort(),
    );
    deepStrictEqual(
      (await this.starts()).toSorted(),
      [...this.accepted].map((id) => `${id} 1`).sort(),
    );
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}
