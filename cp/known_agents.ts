import type { Clock } from "@transporter/sdk";
import { agentKey } from "./agent_key.ts";
import type { LiveSessions } from "./live_sessions.ts";
import type { AgentRecord, Store } from "./store/store.ts";

/** Milliseconds for which an agent counts as it was found, unless somebody says that it has changed. */
const KEPT_MS = 1000;

/** Agents that are kept at a time. */
const KEPT_MAX = 10_000;

/** Options of {@linkcode KnownAgents}. */
export interface KnownAgentsOptions {
  /** Where agents are looked up. */
  readonly store: Pick<Store, "getAgent">;
  /** Who is connected here. */
  readonly live: Pick<LiveSessions, "listen">;
  /** Where time comes from. */
  readonly clock: Clock;
}

/**
 * The agents that events come for, for each of which the store would otherwise
 * be asked with each of its events. What the store said counts until the agent
 * comes or goes, and for a second, as what another control plane says of that
 * may be lost: that is what the agent ran then, which it may change as well
 * while an event is on its way to it.
 */
export class KnownAgents {
  readonly #options: KnownAgentsOptions;
  readonly #kept = new Map<
    string,
    { readonly agent: AgentRecord; readonly until: number }
  >();
  /** How often something was forgotten: what was asked for before that may be what it was. */
  #forgotten = 0;

  /** Knows nobody yet. */
  constructor(options: KnownAgentsOptions) {
    this.#options = options;
    options.live.listen(({ tenant, agent }) => this.forget(tenant, agent));
  }

  /**
   * An agent, as it has registered; `undefined` for one that the store does not know.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  async get(tenant: string, id: string): Promise<AgentRecord | undefined> {
    const { store, clock } = this.#options;
    const key = agentKey(tenant, id);
    const kept = this.#kept.get(key);
    if (kept !== undefined && clock.monotonic() < kept.until) return kept.agent;
    const forgotten = this.#forgotten;
    const agent = await store.getAgent(tenant, id);
    if (agent !== undefined && forgotten === this.#forgotten) {
      if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
      this.#kept.set(key, { agent, until: clock.monotonic() + KEPT_MS });
    }
    return agent;
  }

  /** An agent has registered, here or elsewhere, or was deleted. */
  forget(tenant: string, id: string): void {
    this.#forgotten++;
    this.#kept.delete(agentKey(tenant, id));
  }

  /** Any of them may have changed. */
  forgetAll(): void {
    this.#forgotten++;
    this.#kept.clear();
  }
}
