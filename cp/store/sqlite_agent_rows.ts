/**
 * How agents are written to rows; `sqlite_rows.ts` reads them.
 *
 * @module
 */
import type { Statements } from "./sqlite_statements.ts";
import type { AgentRecord } from "./store.ts";

/** Writes where an agent stands; one that is deleted keeps its numbers. */
export function writeAgent(
  sql: Statements,
  agent: AgentRecord,
  { deleted }: { readonly deleted: boolean },
): void {
  sql.setAgent.run(
    agent.tenant,
    agent.id,
    agent.linkVersion,
    agent.instance,
    agent.epoch,
    agent.gen,
    agent.nextSeq,
    agent.statusUpto,
    agent.pausedAt ?? null,
    deleted ? 1 : 0,
    agent.createdAt,
    agent.seenAt,
    agent.toldAt ?? null,
  );
}

/** Writes what an agent said of itself. */
export function writeProfile(sql: Statements, agent: AgentRecord): void {
  const { tenant, id, registration, executors } = agent;
  sql.setProfile.run(
    tenant,
    id,
    JSON.stringify(registration),
    JSON.stringify(executors),
  );
}
