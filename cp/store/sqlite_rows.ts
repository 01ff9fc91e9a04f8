/**
 * How records are read from rows.
 *
 * @module
 */
import {
  type EventSpec,
  type HistoryEntry,
  isPhase,
  isState,
} from "@transporter/sdk";
import type { SQLOutputValue } from "node:sqlite";
import type {
  AgentRecord,
  EventRecord,
  LogRecord,
  Tombstone,
} from "./store.ts";

/** A row as the runtime returns it. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

function damaged(column: string, value: SQLOutputValue | undefined): never {
  throw new TypeError(
    `Cannot read the column "${column}": it holds "${String(value)}"`,
  );
}

/** Reads a column of text. */
export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : damaged(column, value);
}

/** Reads a column of numbers. */
export function number(row: Row, column: string): number {
  const value = row[column];
  return typeof value === "number" ? value : damaged(column, value);
}

/** Reads a column of JSON, which only the store has written. */
export function json<T>(row: Row, column: string): T {
  return JSON.parse(text(row, column));
}

/** Makes a record of a row of `event` with its `spec` and `outcome`. */
export function readEventRow(row: Row): EventRecord {
  const state = text(row, "state");
  const phase = row["phase"] ?? undefined;
  if (!isState(state)) damaged("state", state);
  if (phase !== undefined && (typeof phase !== "string" || !isPhase(phase))) {
    damaged("phase", phase);
  }
  return {
    tenant: text(row, "tenant"),
    spec: json(row, "head"),
    digest: text(row, "digest"),
    bytes: number(row, "bytes"),
    ...(row["idempotency_key"] === null
      ? {}
      : { idempotencyKey: text(row, "idempotency_key") }),
    enq: number(row, "enq"),
    revision: number(row, "revision"),
    state,
    ...(phase === undefined ? {} : { phase }),
    message: json(row, "message"),
    attempt: number(row, "attempt"),
    notes: json(row, "notes"),
    acceptedAt: number(row, "accepted_at"),
    deadline: number(row, "deadline"),
    ...(row["ready_at"] === null ? {} : { readyAt: number(row, "ready_at") }),
    dueAt: number(row, "due_at"),
    updatedAt: number(row, "updated_at"),
    ...(row["finished_at"] === null
      ? {}
      : { finishedAt: number(row, "finished_at") }),
    ...(row["seq"] === null ? {} : { seq: number(row, "seq") }),
    ...(typeof row["result"] === "string"
      ? { result: json(row, "result") }
      : {}),
    ...(typeof row["error"] === "string" ? { error: json(row, "error") } : {}),
  };
}

/** Makes the whole of what was asked of a row of `spec`. */
export function readSpecRow(row: Row): EventSpec {
  return {
    ...json<Omit<EventSpec, "payload">>(row, "head"),
    payload: json(row, "payload"),
  };
}

/** Makes a record of a row of `agent` with its `profile`. */
export function readAgentRow(row: Row): AgentRecord {
  return {
    tenant: text(row, "tenant"),
    id: text(row, "id"),
    registration: json(row, "registration"),
    linkVersion: number(row, "link_version") === 1 ? 1 : 2,
    executors: json(row, "executors"),
    instance: text(row, "instance"),
    epoch: text(row, "epoch"),
    gen: number(row, "gen"),
    nextSeq: number(row, "next_seq"),
    statusUpto: number(row, "status_upto"),
    ...(row["paused_at"] === null
      ? {}
      : { pausedAt: number(row, "paused_at") }),
    createdAt: number(row, "created_at"),
    seenAt: number(row, "seen_at"),
    ...(row["told_at"] === null ? {} : { toldAt: number(row, "told_at") }),
  };
}

/** Makes the entries of a history of a row of `history`. */
export function readEntries(row: Row): readonly HistoryEntry[] {
  return json(row, "entries");
}

/** Makes what is left of an event of a row of `tombstone`. */
export function readTombstoneRow(row: Row): Tombstone {
  const state = text(row, "state");
  if (!isState(state)) damaged("state", state);
  return {
    id: text(row, "id"),
    digest: text(row, "digest"),
    state,
    until: number(row, "until"),
  };
}

/** Makes a piece of output of a row of `log`. */
export function readLogRow(row: Row): LogRecord {
  return {
    n: number(row, "n"),
    attempt: number(row, "attempt"),
    stream: text(row, "stream"),
    off: number(row, "off"),
    data: json(row, "data"),
    ...(number(row, "trunc") === 1 ? { trunc: true } : {}),
  };
}

/** Marks are kept among the counters, which have names of one word. */
export function markName(tenant: string, name: string): string {
  return `mark ${JSON.stringify([tenant, name])}`;
}

/** The tenant and the name in the name of a counter. */
export function readMarkName(counter: string): readonly [string, string] {
  return JSON.parse(counter.slice("mark ".length));
}
