/**
 * How records are written to Redis, and read from it.
 *
 * @module
 */
import { type EventSpec, isState, isTerminal } from "@transporter/sdk";
import type { Reply } from "./redis_group.ts";
import { type Piece, pieceWords } from "./redis_history.ts";
import type {
  AgentRecord,
  EventRecord,
  LogRecord,
  NewSession,
  Tombstone,
} from "./store.ts";

/** A record, and how often it was written: what a change is compared with. */
export interface Versioned {
  /** The record. */
  readonly record: EventRecord;
  /** The version, as Redis has it. */
  readonly version: string;
  /** The body as JSON, while it is small and waits to be released to an agent. */
  readonly payload?: string;
}

/** What of a record never changes, as it is kept. */
type Fixed = Pick<
  EventRecord,
  "spec" | "digest" | "bytes" | "idempotencyKey" | "acceptedAt"
>;

/** The fields that {@linkcode readEvent} reads, in their order; the script returns the same. */
export const EVENT_FIELDS = ["h", "f", "s", "r", "x", "v"] as const;

/** The words of a reply, which has nothing but texts in it. */
export function words(reply: Reply | undefined): readonly string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

/** Reads an event; `undefined` when there is none. */
export function readEvent(
  tenant: string,
  reply: Reply | undefined,
): Versioned | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [h, f, s, r, x, v] = reply as readonly (string | null)[];
  if (!h || !f || !s || !v) return undefined;
  try {
    const fixed: Fixed = JSON.parse(h);
    const changing: Changing = JSON.parse(s);
    const record = {
      tenant,
      ...fixed,
      enq: readFacts(f).enq,
      ...changing,
      ...(x ? { seq: Number(x) } : {}),
      ...(r ? { result: JSON.parse(r) } : {}),
    };
    return { record, version: v };
  } catch (error) {
    const [, id = "?"] = /"id":"([^"]*)"/.exec(h) ?? [];
    throw new TypeError(
      `Cannot read the event "${id}" as what Redis keeps of it is damaged`,
      { cause: error },
    );
  }
}

/** What the script says of an event, in its field `f`. */
export interface Facts {
  /** Its place in the order of acceptance. */
  readonly enq: number;
  /** Where it stands among those of its agent. */
  readonly rank: number;
  /** The latest time of acceptance when it was accepted. */
  readonly acceptedUpto: number;
}

/** Reads the field `f` of an event. */
export function readFacts(f: string): Facts {
  const [enq, rank, acceptedUpto] = f.split(" ", 3).map(Number);
  return { enq: enq ?? 0, rank: rank ?? 0, acceptedUpto: acceptedUpto ?? 0 };
}

/** What of a record never changes, as JSON. */
export function fixedPart(record: EventRecord): string {
  const { spec, digest, bytes, idempotencyKey, acceptedAt } = record;
  return JSON.stringify({ spec, digest, bytes, idempotencyKey, acceptedAt });
}

/** What of a record changes, as it is kept; what may be large, and its number, have fields of their own. */
type Changing = Omit<
  EventRecord,
  keyof Fixed | "tenant" | "enq" | "seq" | "result"
>;

/** What of a record changes, as JSON. */
export function changingPart(record: EventRecord): string {
  // By name: a copy with some fields taken out costs several times as much.
  const changing: { readonly [K in keyof Required<Changing>]: Changing[K] } = {
    revision: record.revision,
    state: record.state,
    phase: record.phase,
    message: record.message,
    attempt: record.attempt,
    notes: record.notes,
    deadline: record.deadline,
    readyAt: record.readyAt,
    dueAt: record.dueAt,
    updatedAt: record.updatedAt,
    finishedAt: record.finishedAt,
    error: record.error,
  };
  return JSON.stringify(changing);
}

/** The eleven words of the script's `write` that make `record` out of `before`, and add to its history. */
export function writeWords(
  record: EventRecord,
  before: EventRecord,
  piece: Piece,
): readonly string[] {
  return [
    record.state,
    changingPart(record),
    difference(record.result, before.result, JSON.stringify),
    difference(record.seq, before.seq, String),
    String(record.readyAt ?? ""),
    String(record.dueAt),
    String(record.finishedAt ?? 0),
    String(before.readyAt ?? ""),
    ...pieceWords(piece),
  ];
}

/** `""` for no difference, `-` for nothing any more. */
function difference<T>(
  next: T | undefined,
  before: T | undefined,
  write: (value: T) => string,
): string {
  if (next === before) return "";
  return next === undefined ? "-" : write(next);
}

/** Makes the whole of what was asked, of what never changes and the body. */
export function readSpec(h: string, p: string): EventSpec {
  const { spec }: Fixed = JSON.parse(h);
  return { ...spec, payload: JSON.parse(p) };
}

/** Reads an agent; `undefined` when there is none, or it was forgotten and `alsoGone` does not want it. */
export function readAgent(
  tenant: string,
  id: string,
  reply: Reply | undefined,
  { alsoGone = false }: { readonly alsoGone?: boolean } = {},
): AgentRecord | undefined {
  const all = words(reply);
  const fields = new Map<string, string>();
  for (let i = 0; i < all.length; i += 2) {
    fields.set(all[i] ?? "", all[i + 1] ?? "");
  }
  if (!fields.has("said") || fields.has("gone") && !alsoGone) return undefined;
  const text = (name: string) => fields.get(name) ?? "";
  const pausedAt = fields.get("paused");
  const toldAt = fields.get("told");
  return {
    tenant,
    id,
    registration: JSON.parse(text("said")),
    linkVersion: text("link") === "1" ? 1 : 2,
    executors: JSON.parse(text("runs")),
    instance: text("instance"),
    epoch: text("epoch"),
    gen: Number(text("gen")),
    nextSeq: Number(text("seq")),
    statusUpto: Number(text("upto")),
    ...(pausedAt === undefined ? {} : { pausedAt: Number(pausedAt) }),
    createdAt: Number(text("created")),
    seenAt: Number(text("seen")),
    ...(toldAt === undefined ? {} : { toldAt: Number(toldAt) }),
  };
}

/** What an agent says of itself, by the names of its fields. */
export function sessionWords(
  { registration: { link, ...said }, linkVersion, executors }: NewSession,
): readonly string[] {
  return [
    ...["said", JSON.stringify(said)],
    ...["link", String(linkVersion)],
    ...["runs", JSON.stringify(executors)],
    ...["instance", linkVersion === 1 ? "" : link?.instance ?? ""],
  ];
}

/** The fields of an agent, by name. */
export function agentWords(agent: AgentRecord): readonly string[] {
  const { pausedAt, toldAt } = agent;
  return [
    ...["said", JSON.stringify(agent.registration)],
    ...["link", String(agent.linkVersion)],
    ...["runs", JSON.stringify(agent.executors)],
    ...["instance", agent.instance],
    ...["epoch", agent.epoch],
    ...["gen", String(agent.gen)],
    ...["seq", String(agent.nextSeq)],
    ...["upto", String(agent.statusUpto)],
    ...["created", String(agent.createdAt)],
    ...["seen", String(agent.seenAt)],
    ...(pausedAt === undefined ? [] : ["paused", String(pausedAt)]),
    ...(toldAt === undefined ? [] : ["told", String(toldAt)]),
  ];
}

/** What stays of an event, with the idempotency key it had of its own. */
export function tombstoneWord(
  { id, digest, state, until }: Tombstone,
  key: string | undefined,
): string {
  return JSON.stringify({ id, digest, state, until, key });
}

/** Reads what stayed of an event. */
export function readTombstone(text: string): Tombstone {
  const { key: _, ...tombstone }: Tombstone & { readonly key?: string } = JSON
    .parse(text);
  if (!isState(tombstone.state) || !isTerminal(tombstone.state)) {
    throw new TypeError(`Cannot read what stayed of an event: ${text}`);
  }
  return tombstone;
}

/** Reads a piece of output. */
export function readLog(text: string, n: number): LogRecord {
  return { ...JSON.parse(text), n };
}
