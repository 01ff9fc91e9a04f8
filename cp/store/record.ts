/**
 * What a new event, a change, a new session and a sign of life make of records:
 * the same for every store.
 *
 * @module
 */
import { TransporterError } from "@transporter/sdk";
import type {
  AgentRecord,
  EventChange,
  EventRecord,
  NewEvent,
  NewSession,
  SignOfLife,
} from "./store.ts";

/** What only the store knows about a new event. */
export interface NewRecordOptions {
  /** Its place in the order of acceptance. */
  readonly enq: number;
  /** The size of the whole body as JSON, in bytes. */
  readonly bytes: number;
}

/** Makes the first record of an event. */
export function newRecord(
  tenant: string,
  event: NewEvent,
  options: NewRecordOptions,
): EventRecord {
  const { payload: _, ...head } = event.spec;
  const { idempotencyKey, status } = event;
  return {
    tenant,
    spec: head,
    digest: event.digest,
    bytes: options.bytes,
    // An event without a key of its own has its id as key.
    ...(idempotencyKey === undefined || idempotencyKey === head.id
      ? {}
      : { idempotencyKey }),
    enq: options.enq,
    revision: 1,
    state: status.state,
    ...(status.phase === undefined ? {} : { phase: status.phase }),
    message: status.message,
    attempt: status.attempt ?? 0,
    notes: {},
    acceptedAt: event.acceptedAt,
    deadline: event.deadline,
    ...(event.readyAt === undefined ? {} : { readyAt: event.readyAt }),
    dueAt: event.dueAt,
    updatedAt: event.acceptedAt,
  };
}

/** Milliseconds of waiting that count as much as one step of priority. */
const AGEING_MS = 60_000;

/**
 * Where an event stands among those of its agent that are ready: the lowest
 * goes first. What has waited a minute longer counts as much as one step more.
 *
 * @param acceptedUpto The latest time of acceptance so far, which never goes back as a clock may.
 */
export function rankOf(priority: number, acceptedUpto: number): number {
  return acceptedUpto - priority * AGEING_MS;
}

/** What only the store knows about a change. */
export interface ChangeRecordOptions {
  /** Now, in milliseconds since 1970. */
  readonly at: number;
  /** The event's number in its agent's stream, when the change releases it. */
  readonly seq?: number;
}

/** Makes the next record of an event; what the change does not name stays. */
export function changeRecord(
  record: EventRecord,
  change: EventChange,
  { at, seq }: ChangeRecordOptions,
): EventRecord {
  const { status, finishedAt, result, error, readyAt } = change;
  const next: { -readonly [K in keyof EventRecord]: EventRecord[K] } = {
    ...kept(record, change),
    notes: change.notes ?? record.notes,
    deadline: change.deadline ?? record.deadline,
    dueAt: change.dueAt ?? record.dueAt,
    revision: record.revision + 1,
    state: status.state,
    message: status.message,
    attempt: status.attempt ?? record.attempt,
    updatedAt: at,
  };
  if (readyAt !== undefined) next.readyAt = readyAt;
  if (status.phase !== undefined) next.phase = status.phase;
  if (finishedAt !== undefined) next.finishedAt = finishedAt;
  if (seq !== undefined) next.seq = seq;
  if (result !== undefined) next.result = result;
  if (error !== undefined) next.error = error;
  return next;
}

/**
 * What of a record a change leaves as it is, or sets anew. Fields are left out
 * of those alone that have them: what it makes is slow to copy ever after.
 */
function kept(
  record: EventRecord,
  { reopens, adopts }: EventChange,
): Omit<EventRecord, "readyAt"> {
  const before = reopens ? reopened(record) : record;
  const numbered = adopts ? unnumbered(before) : before;
  if (numbered.readyAt === undefined) return numbered;
  const { readyAt: _, ...rest } = numbered;
  return rest;
}

/** The record of an event that had ended, without what it led to. */
function reopened(
  { finishedAt: _, result: __, error: ___, ...record }: EventRecord,
): EventRecord {
  return record;
}

function unnumbered({ seq: _, ...record }: EventRecord): EventRecord {
  return record;
}

/** Makes of a decided release the change of the next attempt. */
export function releaseChange(
  record: EventRecord,
  change: EventChange,
): EventChange {
  const status = { ...change.status, attempt: record.attempt + 1 };
  return { ...change, status, statusText: JSON.stringify(status) };
}

/** Makes the record of an agent that opens a session; what counts its stream and its statuses goes on. */
export function sessionRecord(
  tenant: string,
  session: NewSession,
  known: AgentRecord | undefined,
): AgentRecord {
  const { link, ...registration } = session.registration;
  return {
    tenant,
    id: registration.id,
    registration,
    linkVersion: session.linkVersion,
    executors: session.executors,
    instance: session.linkVersion === 1 ? "" : link?.instance ?? "",
    epoch: known?.epoch ?? session.newEpoch,
    gen: (known?.gen ?? 0) + 1,
    nextSeq: known?.nextSeq ?? 1,
    statusUpto: known?.statusUpto ?? 0,
    ...(known?.pausedAt === undefined ? {} : { pausedAt: known.pausedAt }),
    createdAt: known?.createdAt ?? session.at,
    seenAt: session.at,
    ...(known?.toldAt === undefined ? {} : { toldAt: known.toldAt }),
  };
}

/** What a sign of life changes about an agent. */
export function touched(
  { at, told }: SignOfLife,
): Pick<AgentRecord, "seenAt" | "toldAt"> {
  return { seenAt: at, ...(told ? { toldAt: at } : {}) };
}

/** Refuses a session that a newer one has replaced; an agent that is not known has no newer one. */
export function checkGeneration(
  agent: Pick<AgentRecord, "id" | "gen"> | undefined,
  gen: number,
): void {
  if (agent === undefined || gen >= agent.gen) return;
  throw new TransporterError(
    "superseded",
    `Cannot go on with session ${gen} of agent "${agent.id}" as session ${agent.gen} replaced it`,
  );
}

/** The error of every method once the store is closed. */
export function closedError(): TransporterError {
  return new TransporterError(
    "store_unavailable",
    "Cannot use the store as it is closed",
  );
}
