/**
 * The agents of the SQLite store: read once, changed in memory within a
 * transaction, and written at its end.
 *
 * @module
 */
import { checkGeneration, sessionRecord } from "./record.ts";
import { writeAgent, writeProfile } from "./sqlite_agent_rows.ts";
import { number, readAgentRow } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { AgentRecord, Fence, NewSession } from "./store.ts";

/** An agent, and whether it was forgotten: then only its generation counts. */
interface Known {
  readonly agent: AgentRecord;
  readonly deleted: boolean;
}

/** Agents that are remembered; beyond it those read first are read again. */
const AGENTS_MAX = 4096;

/** The agents, for the steps of one transaction after another. */
export class Agents {
  readonly #sql: Statements;
  /** By tenant and id; `undefined` for one that is not there. */
  readonly #known = new Map<string, Known | undefined>();
  readonly #changed = new Map<
    string,
    { readonly known: Known; readonly profile: boolean }
  >();

  /** Remembers nothing yet. */
  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Finds an agent, also one that is only gathered. */
  get(tenant: string, id: string): AgentRecord | undefined {
    const known = this.#find(tenant, id);
    return known?.deleted ? undefined : known?.agent;
  }

  /** Notes a new session. */
  open(tenant: string, session: NewSession): AgentRecord {
    const known = this.#find(tenant, session.registration.id);
    const before = known?.deleted ? undefined : known?.agent;
    const agent = sessionRecord(tenant, session, before);
    const gen = (known?.agent.gen ?? 0) + 1;
    return this.#set({ ...agent, gen }, { profile: true });
  }

  /** Changes what counts; returns the agent as it is now. */
  change(agent: AgentRecord, change: Partial<AgentRecord>): AgentRecord {
    return this.#set({ ...agent, ...change });
  }

  /** Pauses an agent, or lets it go on. */
  pause(
    { pausedAt: _, ...agent }: AgentRecord,
    pausedAt: number | undefined,
  ): AgentRecord {
    return this.#set(
      pausedAt === undefined ? agent : { ...agent, pausedAt },
    );
  }

  /** Forgets an agent. */
  delete(agent: AgentRecord): void {
    this.#set(agent, { deleted: true });
  }

  /**
   * Refuses a session that a newer one has replaced.
   *
   * @returns The agent, if it is known.
   */
  check(
    tenant: string,
    { agent: id, gen }: Pick<Fence, "agent" | "gen">,
  ): AgentRecord | undefined {
    const known = this.#find(tenant, id);
    checkGeneration(known?.agent, gen);
    return known?.deleted ? undefined : known?.agent;
  }

  /** Notes the status that a session reported. */
  note(tenant: string, { agent: id, sid }: Fence): void {
    if (sid === undefined) return;
    const agent = this.get(tenant, id);
    if (agent !== undefined && agent.statusUpto < sid) {
      this.#set({ ...agent, statusUpto: sid });
    }
  }

  /** Writes what was gathered. */
  write(): void {
    for (const { known, profile } of this.#changed.values()) {
      const { agent, deleted } = known;
      writeAgent(this.#sql, agent, { deleted });
      if (profile) writeProfile(this.#sql, agent);
    }
    this.#changed.clear();
  }

  /** Forgets what was gathered, and what was remembered. */
  discard(): void {
    this.#changed.clear();
    this.#known.clear();
  }

  #find(tenant: string, id: string): Known | undefined {
    const name = `${tenant}\n${id}`;
    if (this.#known.has(name)) return this.#known.get(name);
    const row = this.#sql.getAgent.get(tenant, id);
    const known = row &&
      { agent: readAgentRow(row), deleted: number(row, "deleted") === 1 };
    this.#remember(name, known);
    return known;
  }

  #remember(name: string, known: Known | undefined): void {
    this.#known.set(name, known);
    if (this.#known.size <= AGENTS_MAX) return;
    for (const oldest of this.#known.keys()) {
      if (this.#changed.has(oldest)) continue;
      this.#known.delete(oldest);
      return;
    }
  }

  #set(
    agent: AgentRecord,
    { profile = false, deleted = false }: {
      readonly profile?: boolean;
      readonly deleted?: boolean;
    } = {},
  ): AgentRecord {
    const name = `${agent.tenant}\n${agent.id}`;
    const known = { agent, deleted };
    const again = this.#changed.get(name)?.profile ?? false;
    this.#changed.set(name, { known, profile: profile || again });
    this.#remember(name, known);
    return agent;
  }
}
