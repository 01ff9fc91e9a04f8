import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { type Parcel, readCloseCode } from "./nats_parcel.ts";

/** The names that both ends know, of one agent. */
export interface AgentSubjects {
  /** Where a session is asked for, by request and reply. */
  readonly reg: string;
  /** Frames to the control plane. */
  readonly up: string;
  /** Frames to the agent; a subject of the stream. */
  readonly down: string;
  /** What the agent's inboxes begin with. */
  readonly inbox: string;
  /** The stream of frames to agents. */
  readonly stream: string;
  /** The agent's durable consumer. */
  readonly consumer: string;
}

/** Bytes that a message may have besides its frame. */
export const HEADER_BYTES = 1024;

/** The subject of all registrations of a tenant's agents. */
export function registrations(tenant: string): string {
  return `tp.${tenant}.agent.*.reg`;
}

/** The stream of frames to a tenant's agents, and its subjects. */
export function downStream(
  tenant: string,
): { readonly name: string; readonly subjects: string[] } {
  return { name: `TP_${tenant}_DOWN`, subjects: [`tp.${tenant}.agent.*.down`] };
}

/**
 * Names what belongs to one agent. A dot of its id is written as `%2E`, as dots
 * part subjects; no id has a percent sign.
 */
export function subjectsOf(tenant: string, agentId: string): AgentSubjects {
  const token = agentId.replaceAll(".", "%2E");
  const own = `tp.${tenant}.agent.${token}`;
  return {
    reg: `${own}.reg`,
    up: `${own}.up`,
    down: `${own}.down`,
    inbox: `${own}.inbox`,
    stream: downStream(tenant).name,
    consumer: token,
  };
}

/** Whose registration a subject is. */
export function agentOf(subject: string): string {
  return (subject.split(".")[3] ?? "").replaceAll("%2E", ".");
}

/** What the number, and the id that the server may drop repetitions by, stand in. */
const ID = "Nats-Msg-Id";
const TAKEN = "Tp-Taken";
const CLOSE = "Tp-Close";
const LENGTHS = "Tp-Lengths";

/** Writes a parcel's headers. */
export function writeParcel(
  session: string,
  { n, lengths, taken, close }: Parcel,
): MsgHdrs {
  const found = headers();
  if (n !== undefined) found.set(ID, `${session}:${n}`);
  if (lengths !== undefined) found.set(LENGTHS, lengths.join());
  if (taken !== undefined) found.set(TAKEN, `${session}:${taken}`);
  if (close !== undefined) found.set(CLOSE, `${close}`);
  return found;
}

/** Reads a parcel's headers; `undefined` when it is not of this session, or none at all. */
export function readParcel(
  session: string,
  found: MsgHdrs | undefined,
): Parcel | undefined {
  if (found === undefined) return undefined;
  const n = numberOf(session, found.get(ID));
  const taken = numberOf(session, found.get(TAKEN));
  if (n === undefined && taken === undefined) return undefined;
  const lengths = lengthsOf(found.get(LENGTHS));
  const close = found.has(CLOSE) ? readCloseCode(found.get(CLOSE)) : undefined;
  return {
    ...(n === undefined ? {} : { n }),
    ...(lengths === undefined ? {} : { lengths }),
    ...(taken === undefined ? {} : { taken }),
    ...(close === undefined ? {} : { close }),
  };
}

function numberOf(session: string, text: string): number | undefined {
  if (!text.startsWith(`${session}:`)) return undefined;
  const digits = text.slice(session.length + 1);
  return /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : undefined;
}

/** A list that cannot be read fits no message, which ends the wire. */
function lengthsOf(text: string): readonly number[] | undefined {
  if (text === "") return undefined;
  return /^[\d,]{1,600}$/.test(text) ? text.split(",").map(Number) : [];
}
