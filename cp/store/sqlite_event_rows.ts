/**
 * How a record becomes rows: whole for a new event, else no more columns than
 * have changed, since each index on one of them costs.
 *
 * @module
 */
import type { SQLInputValue } from "node:sqlite";
import { rankOf } from "./record.ts";
import { STAGE } from "./sqlite_queries.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { EventRecord } from "./store.ts";

/** A record as it is to be written, and what of it was in the database before. */
export interface Changed {
  /** The record. */
  readonly record: EventRecord;
  /** What it was; absent for a new event. */
  readonly before?: EventRecord;
  /** Of a new event: what is only written once. */
  readonly added?: Added;
}

/** What of a new event is only written once. */
export interface Added {
  /** What was asked without the payload, as JSON. */
  readonly head: string;
  /** The payload, as JSON. */
  readonly payload: string;
  /** The latest time of acceptance so far. */
  readonly acceptedUpto: number;
}

/** Writes the rows of an event, except its history, whose newest row is `lastChange` if there is a new one. */
export function writeEvent(
  sql: Statements,
  { record, before, added }: Changed,
  lastChange: number | null = null,
): void {
  if (added !== undefined) insert(sql, record, { ...added, lastChange });
  else if (before !== undefined && onlyProgress(before, record)) {
    sql.setProgress.run(
      record.state,
      record.phase ?? null,
      record.revision,
      record.updatedAt,
      JSON.stringify(record.message),
      JSON.stringify(record.notes),
      lastChange,
      record.enq,
    );
  } else sql.setEvent.run(...changing(record), lastChange, record.enq);
  const { result, error } = record;
  if (result === before?.result && error === before?.error) return;
  if (result === undefined && error === undefined) {
    sql.dropOutcome.run(record.enq);
  } else {
    sql.setOutcome.run(record.enq, jsonOrNull(result), jsonOrNull(error));
  }
}

function insert(
  sql: Statements,
  record: EventRecord,
  { head, payload, acceptedUpto, lastChange }: Added & {
    readonly lastChange: number | null;
  },
): void {
  const { enq, tenant, spec } = record;
  sql.addEvent.run(
    enq,
    tenant,
    spec.id,
    record.idempotencyKey ?? null,
    spec.target_agent,
    spec.type,
    record.digest,
    record.bytes,
    record.acceptedAt,
    acceptedUpto,
    rankOf(spec.priority, acceptedUpto),
    ...changing(record),
    lastChange,
  );
  sql.addSpec.run(enq, head, payload);
  for (const [name, value] of Object.entries(spec.labels)) {
    sql.addLabel.run(tenant, name, value, enq);
  }
}

/** Whether at most columns that no index has differ. */
function onlyProgress(before: EventRecord, next: EventRecord): boolean {
  return STAGE[before.state] === STAGE[next.state] && before.seq === next.seq &&
    before.attempt === next.attempt && before.deadline === next.deadline &&
    before.dueAt === next.dueAt && before.readyAt === next.readyAt &&
    before.finishedAt === next.finishedAt;
}

/** The columns of `event` that change, in the order of the statements. */
function changing(record: EventRecord): SQLInputValue[] {
  return [
    record.deadline,
    record.readyAt ?? null,
    record.dueAt,
    STAGE[record.state],
    record.state,
    record.phase ?? null,
    record.attempt,
    record.revision,
    record.seq ?? null,
    record.updatedAt,
    record.finishedAt ?? null,
    JSON.stringify(record.message),
    JSON.stringify(record.notes),
  ];
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
