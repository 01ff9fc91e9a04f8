/**
 * What the SQLite store asks its database. Each of these finds its rows by an
 * index, however many events have ended: `sqlite_test.ts` holds them to it.
 *
 * @module
 */
import type { EventQuery } from "./store.ts";

const EVENT = `SELECT event.*, head, result, error
  FROM event CROSS JOIN spec USING (enq) LEFT JOIN outcome USING (enq)`;

const AGENT = `SELECT agent.*, registration, executors
  FROM agent CROSS JOIN profile USING (tenant, id)`;

/** The statements that are prepared once. */
export const SQL = {
  getEvent: `${EVENT} WHERE tenant = ? AND id = ?`,
  getEventByKey: `${EVENT} WHERE tenant = ? AND idempotency_key = ?`,
  getEventByEnq: `${EVENT} WHERE event.enq = ?`,
  getSpec:
    `SELECT head, payload FROM event CROSS JOIN spec USING (enq) WHERE tenant = ? AND id = ?`,
  getPayload: `SELECT payload FROM spec WHERE enq = ?`,
  addEvent:
    `INSERT INTO event (tenant, id, idempotency_key, agent, type, priority, digest, bytes,
      accepted_at, accepted_upto, deadline, open, state, phase, attempt, revision, updated_at, message)
    VALUES (:tenant, :id, :idempotencyKey, :agent, :type, :priority, :digest, :bytes,
      :acceptedAt, max(:acceptedAt, coalesce(
        (SELECT accepted_upto FROM event WHERE enq = (SELECT max(enq) FROM event)), 0)),
      :deadline, :open, :state, :phase, :attempt, :revision, :updatedAt, :message)`,
  addSpec: `INSERT INTO spec (enq, head, payload) VALUES (?, ?, ?)`,
  addLabel: `INSERT INTO label (tenant, name, value, enq) VALUES (?, ?, ?, ?)`,
  addHistory:
    `INSERT INTO history (tenant, enq, revision, status) VALUES (?, ?, ?, ?)`,
  setEvent:
    `UPDATE event SET open = :open, state = :state, phase = :phase, attempt = :attempt,
      revision = :revision, seq = :seq, updated_at = :updatedAt, finished_at = :finishedAt,
      message = :message
    WHERE enq = :enq`,
  setOutcome:
    `INSERT OR REPLACE INTO outcome (enq, result, error) VALUES (?, ?, ?)`,
  listQueued:
    `${EVENT} WHERE tenant = ? AND agent = ? AND state = 'queued' AND open = 1
    ORDER BY priority DESC, event.enq LIMIT ? OFFSET ?`,
  listReleased:
    `${EVENT} WHERE tenant = ? AND agent = ? AND state IN ('assigned', 'in_progress')
      AND open = 1 AND seq IS NOT NULL
    ORDER BY seq`,
  listHistory: `SELECT revision, status FROM history
    WHERE enq = (SELECT enq FROM event WHERE tenant = ? AND id = ?) ORDER BY revision`,
  listDue:
    `${EVENT} WHERE deadline <= ? AND open = 1 ORDER BY deadline, event.enq LIMIT ?`,
  countOpen: `SELECT agent, state, count(*) AS events FROM event
    WHERE tenant = ? AND open = 1 GROUP BY agent, state`,
  listChanges:
    `SELECT change, history.tenant, agent, type, history.revision, status
    FROM history CROSS JOIN event USING (enq)
    WHERE history.tenant = ? AND change > ? ORDER BY change LIMIT ?`,
  changeRange: `SELECT (SELECT min(change) FROM history) AS oldest,
    (SELECT max(change) FROM history) AS newest`,
  getAgent: `${AGENT} WHERE tenant = ? AND id = ?`,
  getCounters: `SELECT gen, next_seq FROM agent WHERE tenant = ? AND id = ?`,
  listAgents: `${AGENT} WHERE tenant = ? ORDER BY id`,
  setAgent:
    `INSERT OR REPLACE INTO agent (tenant, id, link_version, instance, epoch, gen, next_seq,
      status_upto, created_at, seen_at)
    VALUES (:tenant, :id, :linkVersion, :instance, :epoch, :gen, :nextSeq,
      :statusUpto, :createdAt, :seenAt)`,
  setProfile:
    `INSERT OR REPLACE INTO profile (tenant, id, registration, executors) VALUES (?, ?, ?, ?)`,
  setNextSeq: `UPDATE agent SET next_seq = ? WHERE tenant = ? AND id = ?`,
  setStatusUpto:
    `UPDATE agent SET status_upto = ?1 WHERE tenant = ?2 AND id = ?3 AND status_upto < ?1`,
  setSeenAt: `UPDATE agent SET seen_at = ? WHERE tenant = ? AND id = ?`,
  probe: `UPDATE probe SET commits = commits + 1`,
} as const;

/** A statement that depends on what is asked. */
export interface ListStatement {
  /** Selects `enq`, newest first. */
  readonly sql: string;
  /** What it is run with. */
  readonly values: readonly (string | number)[];
}

/**
 * Makes the statements that find the newest events a query is about: one for
 * each state, as an index has them in order only within one state.
 */
export function listStatements(
  tenant: string,
  query: EventQuery,
): readonly ListStatement[] {
  if (query.states === undefined) return [listStatement(tenant, query)];
  return [...new Set(query.states)].map((state) =>
    listStatement(tenant, query, state)
  );
}

function listStatement(
  tenant: string,
  query: EventQuery,
  state?: string,
): ListStatement {
  const [first, ...others] = Object.entries(query.labels ?? {});
  const terms: string[] = [];
  const values: (string | number)[] = [];
  function term(
    sql: string,
    ...bound: readonly (string | number | undefined)[]
  ): void {
    if (bound.includes(undefined)) return;
    terms.push(sql);
    values.push(...bound.filter((value) => value !== undefined));
  }
  // With labels the first of them leads; without, one of the event's own indexes.
  if (first) {
    term(
      "label.tenant = ? AND label.name = ? AND label.value = ?",
      tenant,
      ...first,
    );
  }
  term("event.tenant = ?", tenant);
  term("event.agent = ?", query.agent);
  term("event.state = ?", state);
  term("event.type = ?", query.type);
  term(`${first ? "label" : "event"}.enq < ?`, query.before);
  if (query.since !== undefined) {
    term("accepted_at >= ?", query.since);
    // Clocks go back: what was accepted since then comes after the first that anything so late came before.
    term(
      `${first ? "label" : "event"}.enq >= (SELECT enq FROM event
        WHERE tenant = ? AND accepted_upto >= ? ORDER BY accepted_upto, enq LIMIT 1)`,
      tenant,
      query.since,
    );
  }
  for (const other of others) {
    term(
      `EXISTS (SELECT 1 FROM label AS other
        WHERE other.tenant = ? AND other.name = ? AND other.value = ? AND other.enq = event.enq)`,
      tenant,
      ...other,
    );
  }
  const from = first ? "label CROSS JOIN event USING (enq)" : "event";
  const order = first ? "label.enq" : "event.enq";
  return {
    sql: `SELECT ${order} AS enq FROM ${from} WHERE ${terms.join(" AND ")}
      ORDER BY ${order} DESC LIMIT ?`,
    values: [...values, query.limit],
  };
}
