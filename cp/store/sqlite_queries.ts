/**
 * What the SQLite store asks its database. Each of these finds its rows by an
 * index, however many events have ended: `sqlite_queries_test.ts` holds them to it.
 *
 * A limit is `? + 0`: SQLite looks at the value of a bare `?` there while it
 * plans, and so prepares the statement anew each time it is run.
 *
 * @module
 */
import type { State } from "@transporter/sdk";
import type { EventQuery } from "./store.ts";

const EVENT = `SELECT event.*, head, result, error
  FROM event CROSS JOIN spec USING (enq) LEFT JOIN outcome USING (enq)`;

const AGENT = `SELECT agent.*, registration, executors
  FROM agent CROSS JOIN profile USING (tenant, id)`;

/** The column `stage` of an event in each state: above 0 until it ends. */
export const STAGE: Readonly<Record<State, number>> = {
  queued: 1,
  assigned: 2,
  in_progress: 2,
  created: 3,
  completed: 0,
  failed: -1,
  expired: -2,
  cancelled: -3,
};

/** The rows of the history of an event, given the one that is its newest. */
const rowsFrom = (newest: string) =>
  `WITH RECURSIVE entry (change) AS (${newest}
    UNION ALL SELECT previous FROM entry CROSS JOIN history USING (change))`;

/** The columns of `event` that never change, and those that do, in the order in which they are bound. */
const FIXED = `enq, tenant, id, idempotency_key, agent, type, digest, bytes,
  accepted_at, accepted_upto, rank`;
const CHANGING = [
  "deadline",
  "ready_at",
  "due_at",
  "stage",
  "state",
  "phase",
  "attempt",
  "revision",
  "seq",
  "updated_at",
  "finished_at",
  "message",
  "notes",
];

/** The statements that are prepared once. Parameters are bound by place, which costs least. */
export const SQL = {
  getEvent: `${EVENT} WHERE tenant = ? AND id = ?`,
  getEventByKey: `${EVENT} WHERE tenant = ? AND idempotency_key = ?`,
  getEventByEnq: `${EVENT} WHERE event.enq = ?`,
  listItems: `SELECT event.*, head, NULL AS result, error
    FROM json_each(?) AS asked CROSS JOIN event ON event.enq = asked.value
    CROSS JOIN spec USING (enq) LEFT JOIN outcome USING (enq)`,
  isTaken: `SELECT 1 FROM event WHERE tenant = ?1 AND id = ?2
    UNION ALL SELECT 1 FROM event WHERE tenant = ?1 AND idempotency_key = ?2
    UNION ALL SELECT 1 FROM tombstone WHERE tenant = ?1 AND id = ?2
    UNION ALL SELECT 1 FROM tombstone WHERE tenant = ?1 AND idempotency_key = ?2 LIMIT 1`,
  getTombstone: `SELECT * FROM tombstone WHERE tenant = ? AND id = ?`,
  getTombstoneByKey:
    `SELECT * FROM tombstone WHERE tenant = ? AND idempotency_key = ?`,
  getSpec:
    `SELECT head, payload FROM event CROSS JOIN spec USING (enq) WHERE tenant = ? AND id = ?`,
  getPayload: `SELECT payload FROM spec WHERE enq = ?`,
  addEvent: `INSERT INTO event (${FIXED}, ${CHANGING.join(", ")}, last_change)
    VALUES (${Array(12 + CHANGING.length).fill("?").join(", ")})`,
  addSpec: `INSERT INTO spec (enq, head, payload) VALUES (?, ?, ?)`,
  addLabel: `INSERT INTO label (tenant, name, value, enq) VALUES (?, ?, ?, ?)`,
  addHistory: `INSERT INTO history (change, enq, entries, ended, previous)
    VALUES (?1, ?2, ?3, ?4, (SELECT last_change FROM event WHERE enq = ?2))`,
  lastHistory: `SELECT change, entries, previous FROM history
    WHERE change = (SELECT last_change FROM event WHERE enq = ?)`,
  newestHistory:
    `SELECT change, ended FROM history WHERE change = (SELECT max(change) FROM history)`,
  dropHistory: `DELETE FROM history WHERE change = ?`,
  setLastChange: `UPDATE event SET last_change = ? WHERE enq = ?`,
  setEvent: `UPDATE event SET ${
    CHANGING.map((name) => `${name} = ?`).join(", ")
  }, last_change = coalesce(?, last_change) WHERE enq = ?`,
  setProgress:
    `UPDATE event SET state = ?, phase = ?, revision = ?, updated_at = ?, message = ?, notes = ?,
      last_change = coalesce(?, last_change) WHERE enq = ?`,
  setOutcome:
    `INSERT OR REPLACE INTO outcome (enq, result, error) VALUES (?, ?, ?)`,
  dropOutcome: `DELETE FROM outcome WHERE enq = ?`,
  listQueued:
    `SELECT enq, rank FROM event WHERE tenant = ? AND agent = ? AND stage = 1
      AND (ready_at IS NULL OR ready_at <= ?)
    ORDER BY rank, enq LIMIT ? + 0 OFFSET ?`,
  getRank: `SELECT rank FROM event WHERE enq = ?`,
  nextReadyAt: `SELECT min(ready_at) AS ready_at FROM event
    WHERE tenant = ? AND agent = ? AND stage = 1 AND ready_at > ?`,
  listOpen:
    `${EVENT} WHERE tenant = ? AND agent = ? AND stage > 0 AND event.enq > ?
    ORDER BY event.enq LIMIT ? + 0`,
  listReleased: `${EVENT} WHERE tenant = ? AND agent = ? AND stage = 2
    ORDER BY seq NULLS LAST, rank, event.enq`,
  listHistory: `${
    rowsFrom("SELECT last_change FROM event WHERE tenant = ? AND id = ?")
  } SELECT entries FROM entry CROSS JOIN history USING (change) ORDER BY change`,
  listDue:
    `${EVENT} WHERE due_at <= ? AND stage > 0 ORDER BY due_at, event.enq LIMIT ? + 0`,
  countOpen: `SELECT agent, state, count(*) AS events, sum(bytes) AS bytes
    FROM event INDEXED BY event_list
    WHERE tenant = ? AND stage > 0 GROUP BY agent, state`,
  listChanges: `SELECT change, tenant, agent, type, entries
    FROM history CROSS JOIN event USING (enq)
    WHERE change > ? AND tenant = ? ORDER BY change LIMIT ? + 0`,
  changeRange: `SELECT (SELECT change + 1 - json_array_length(entries)
      FROM history WHERE change = (SELECT min(change) FROM history)) AS oldest,
    (SELECT max(change) FROM history) AS newest`,
  acceptedUpto:
    `SELECT enq, accepted_upto FROM event WHERE enq >= ? ORDER BY enq LIMIT 1`,
  lastAccepted:
    `SELECT enq, accepted_upto FROM event WHERE enq = (SELECT max(enq) FROM event)`,
  getAgent: `${AGENT} WHERE tenant = ? AND id = ?`,
  listAgents: `${AGENT} WHERE tenant = ? AND deleted = 0 ORDER BY id`,
  setAgent:
    `INSERT OR REPLACE INTO agent (tenant, id, link_version, instance, epoch, gen, next_seq,
      status_upto, paused_at, deleted, created_at, seen_at, told_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  setProfile:
    `INSERT OR REPLACE INTO profile (tenant, id, registration, executors) VALUES (?, ?, ?, ?)`,
  addLog: `INSERT INTO log (enq, attempt, stream, off, trunc, data)
    SELECT enq, ?, ?, ?, ?, ? FROM event WHERE tenant = ? AND id = ?`,
  listLogs: `SELECT n, attempt, stream, off, trunc, data FROM log
    WHERE enq = (SELECT enq FROM event WHERE tenant = ? AND id = ?) AND n > ? ORDER BY n LIMIT ? + 0`,
  listFinished:
    `SELECT event.*, head, NULL AS result, NULL AS error FROM event CROSS JOIN spec USING (enq)
    WHERE finished_at > 0 ORDER BY finished_at LIMIT ? + 0`,
  addTombstone: `INSERT OR REPLACE INTO tombstone
    SELECT tenant, id, idempotency_key, digest, state, ? FROM event WHERE enq = ?`,
  dropTombstones: `DELETE FROM tombstone WHERE (tenant, id) IN (
    SELECT tenant, id FROM tombstone WHERE until <= ? ORDER BY until LIMIT ? + 0)`,
  dropEvent: `DELETE FROM event WHERE enq = ?`,
  dropSpec: `DELETE FROM spec WHERE enq = ?`,
  dropHistories: `DELETE FROM history WHERE change IN (${
    rowsFrom(`SELECT last_change FROM json_each(?) AS asked
      CROSS JOIN event ON event.enq = asked.value`)
  } SELECT change FROM entry)`,
  dropLabels: `DELETE FROM label WHERE enq = ?`,
  dropLogs: `DELETE FROM log WHERE enq = ?`,
  getCounter: `SELECT value FROM counter WHERE name = ?`,
  addCounter:
    `INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  setCounter: `UPDATE counter SET value = ? WHERE name = ?`,
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
 * each state, or where nothing else leads for each stage, as an index has them
 * in order only within one.
 *
 * @param enqMin The first event that may have been accepted at or after `query.since`.
 */
export function listStatements(
  tenant: string,
  query: EventQuery,
  enqMin?: number,
): readonly ListStatement[] {
  const states = query.states && [...new Set(query.states)];
  const { agent, type, labels = {} } = query;
  const leads = agent !== undefined || type !== undefined ||
    Object.keys(labels).length > 0;
  const parts: readonly Part[] = leads
    ? (states ?? [undefined]).map((state) => ({ state }))
    : states?.map(partOf) ?? STAGES.map((stage) => ({ stage }));
  return parts.map((part) => listStatement(tenant, query, { ...part, enqMin }));
}

const STAGES = [...new Set(Object.values(STAGE))];

/** What one statement is about of what is asked. */
interface Part {
  readonly state?: State | undefined;
  readonly stage?: number;
}

/** A state by its stage, and by itself where others have the same. */
function partOf(state: State): Part {
  const stage = STAGE[state];
  return stage === STAGE.assigned ? { stage, state } : { stage };
}

function listStatement(
  tenant: string,
  query: EventQuery,
  { state, stage, enqMin }: Part & { readonly enqMin: number | undefined },
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
  term("event.stage = ?", stage);
  term("event.state = ?", state);
  term("event.type = ?", query.type);
  term(`${first ? "label" : "event"}.enq < ?`, query.before);
  term("accepted_at >= ?", query.since);
  term(`${first ? "label" : "event"}.enq >= ?`, enqMin);
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
      ORDER BY ${order} DESC LIMIT ? + 0`,
    values: [...values, query.limit],
  };
}
