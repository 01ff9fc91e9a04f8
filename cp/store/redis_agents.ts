import { checkGeneration } from "./record.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { Reply } from "./redis_group.ts";
import type { Names } from "./redis_names.ts";
import { readAgent, sessionWords, words } from "./redis_rows.ts";
import type { AgentRecord, Fence, NewSession, SignOfLife } from "./store.ts";

/** Agents that are read at a time. */
const READ_MAX = 256;

/** Options of {@linkcode Agents}. */
export interface AgentsOptions {
  /** Redis. */
  readonly redis: RedisConnection;
  /** What things are called there. */
  readonly names: Names;
}

/** What is known of agents. */
export class Agents {
  readonly #options: AgentsOptions;
  /** What is asked and not sent, by key. */
  readonly #asked = new Map<string, Promise<AgentRecord | undefined>>();

  /** Reads nothing yet. */
  constructor(options: AgentsOptions) {
    this.#options = options;
  }

  /** As {@linkcode Store.openSession} says. */
  async open(tenant: string, session: NewSession): Promise<AgentRecord> {
    const { id } = session.registration;
    const reply = await this.#step("session", tenant, [
      id,
      String(session.at),
      session.newEpoch,
      ...sessionWords(session),
    ]);
    const agent = readAgent(tenant, id, reply[1]);
    if (!agent) throw new TypeError(`Cannot read the agent "${id}" back`);
    return agent;
  }

  /** As {@linkcode Store.touchAgent} says. */
  async touch(
    tenant: string,
    { agent, gen, sid }: Fence,
    { at, told }: SignOfLife,
  ): Promise<void> {
    await this.#step("touch", tenant, [
      agent,
      String(gen),
      String(sid ?? ""),
      String(at),
      told ? "1" : "",
    ]);
  }

  /** As {@linkcode Store.restartStream} says. */
  async restart(
    tenant: string,
    { agent, gen }: Fence,
    epoch: string,
  ): Promise<AgentRecord | undefined> {
    const words = [agent, String(gen), epoch];
    const reply = await this.#step("restart", tenant, words);
    if (reply[0] === "superseded") {
      checkGeneration({ id: agent, gen: Number(reply[1]) }, gen);
    }
    return readAgent(tenant, agent, reply[1]);
  }

  /** As {@linkcode Store.setPaused} says. */
  async pause(
    tenant: string,
    id: string,
    pausedAt: number | undefined,
  ): Promise<AgentRecord | undefined> {
    const words = [id, String(pausedAt ?? "")];
    const reply = await this.#step("pause", tenant, words);
    return readAgent(tenant, id, reply[1]);
  }

  /** As {@linkcode Store.deleteAgent} says. */
  async delete(tenant: string, id: string): Promise<boolean> {
    const reply = await this.#step("delete", tenant, [id]);
    return reply[0] === "ok";
  }

  /** As {@linkcode Store.getAgent} says. Each event of a batch asks for its agent: those that ask before the question is sent share it. */
  get(tenant: string, id: string): Promise<AgentRecord | undefined> {
    const { redis, names } = this.#options;
    const key = names.about("agent", tenant, id);
    const asked = this.#asked.get(key);
    if (asked) return asked;
    const asking = redis.askLater(() => {
      this.#asked.delete(key);
      return ["HGETALL", key];
    }).then((reply) => readAgent(tenant, id, reply));
    this.#asked.set(key, asking);
    return asking;
  }

  /** As {@linkcode Store.listAgents} says. */
  async list(tenant: string): Promise<readonly AgentRecord[]> {
    const { redis, names } = this.#options;
    const key = names.of("agents", tenant);
    const ids = words(await redis.ask("SMEMBERS", key)).toSorted();
    const found: AgentRecord[] = [];
    for (let i = 0; i < ids.length; i += READ_MAX) {
      const agents = await Promise.all(
        ids.slice(i, i + READ_MAX).map((id) => this.get(tenant, id)),
      );
      found.push(...agents.filter((agent) => agent !== undefined));
    }
    return found;
  }

  #step(
    name: string,
    tenant: string,
    words: readonly string[],
  ): Promise<readonly Reply[]> {
    const { redis, names } = this.#options;
    return redis.step("lenient", name, [names.tenant(tenant), ...words]);
  }
}
