import type { Clock } from "@transporter/sdk";
import type { LiveSessions } from "./live_sessions.ts";
import type { AgentRecord, Store } from "./store/store.ts";

/** Milliseconds for which an agent that is connected elsewhere counts as it was found, unless somebody says that it has changed. */
const KEPT_MS = 1000;

/** Agents that are kept at a time. */
const KEPT_MAX = 10_000;

/** Options of {@linkcode KnownAgents}. */
export interface KnownAgentsOptions {
  /** Where agents are looked up. */
  readonly store: Pick<Store, "getAgent">;
  /** Who is connected here. */
  readonly live: Pick<LiveSessions, "get">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Whether agents may be connected elsewhere: only then there are many who are asked for often, and are not here. */
  readonly shared: boolean;
}

/**
 * The agents that events come for, each of which would otherwise be asked for
 * with each of its events. One that is connected here is known by its session;
 * one that is not may be a second old. That says what it ran then, which it may
 * change as well while an event is on its way to it.
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
  }

  /**
   * An agent, as it has registered; `undefined` for one that the store does not know.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  async get(tenant: string, id: string): Promise<AgentRecord | undefined> {
    const { store, live, clock, shared } = this.#options;
    const here = live.get(tenant, id)?.agent;
    if (here !== undefined) return here;
    const key = keyOf(tenant, id);
    const kept = this.#kept.get(key);
    if (kept !== undefined && clock.monotonic() < kept.until) return kept.agent;
    const forgotten = this.#forgotten;
    const agent = await store.getAgent(tenant, id);
    if (agent !== undefined && shared && forgotten === this.#forgotten) {
      if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
      this.#kept.set(key, { agent, until: clock.monotonic() + KEPT_MS });
    }
    return agent;
  }

  /** An agent has registered elsewhere, or was forgotten. */
  forget(tenant: string, id: string): void {
    this.#forgotten++;
    this.#kept.delete(keyOf(tenant, id));
  }

  /** Any of them may have changed. */
  forgetAll(): void {
    this.#forgotten++;
    this.#kept.clear();
  }
}

function keyOf(tenant: string, id: string): string {
  return `${tenant}\n${id}`;
}
