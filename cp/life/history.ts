import { type EventStatus, isTerminal, utf8Length } from "@transporter/sdk";
import type { EventChange, EventRecord } from "../store/store.ts";
import { withProgress } from "./progress.ts";

/** Entries of one event's history. */
export const ENTRIES_MAX = 1000;

/** Bytes of the entries of one event's history as JSON. */
export const HISTORY_BYTES_MAX = 256 * 1024;

/** Bytes at which it is full: a short entry that takes another one's place may be longer than that. */
const FULL_BYTES = HISTORY_BYTES_MAX - 8 * 1024;

/** Characters of the message of an entry that came when the history was full. */
const MESSAGE_CHARS_MAX = 512;

/**
 * Keeps the history of an event bounded: once it is full, a new entry takes
 * the place of the newest one, and says for how many it stands. The first
 * entry, the newest, and those that end the event stay.
 *
 * @param record Before the change.
 * @param given What the rules of the event's life decided.
 * @returns The change as it is written.
 */
export function bounded(record: EventRecord, given: EventChange): EventChange {
  const change = withProgress(record, given);
  const known = record.notes.history ?? { bytes: 0, newest: 0, replaced: 0 };
  const notes = change.notes ?? record.notes;
  function added({ status, statusText, bytes }: Entry): EventChange {
    const { replaced } = known;
    const history = { bytes: known.bytes + bytes, newest: bytes, replaced };
    return { ...change, status, statusText, notes: { ...notes, history } };
  }

  const whole = entryOf(change.status);
  if (change.replaces) return replacing(whole, known.run);
  if (isTerminal(change.status.state)) return added(whole);
  const entries = record.revision - known.replaced;
  const room = entries < ENTRIES_MAX - 1;
  if (room && known.bytes + whole.bytes <= FULL_BYTES) return added(whole);
  const short = entryOf(shortened(change.status));
  if (room && known.bytes + short.bytes <= FULL_BYTES) return added(short);
  if (isTerminal(record.state) || entries <= 1) return added(short);
  const run = (known.run ?? 0) + 1;
  const details = { ...short.status.details, coalesced: run };
  return replacing(entryOf({ ...short.status, details }), run);

  /** The entry takes the place of the newest one; of those that came when it was full, `run` did so in a row. */
  function replacing(
    { status, statusText, bytes }: Entry,
    run: number | undefined,
  ): EventChange {
    const history = {
      bytes: known.bytes - known.newest + bytes,
      newest: bytes,
      replaced: known.replaced + 1,
      ...(run === undefined ? {} : { run }),
    };
    return {
      ...change,
      status,
      statusText,
      replaces: true,
      notes: { ...notes, history },
    };
  }
}

/** An entry, as text too, and how many bytes that has. */
interface Entry extends Required<Pick<EventChange, "status" | "statusText">> {
  readonly bytes: number;
}

function entryOf(status: EventStatus): Entry {
  const statusText = JSON.stringify(status);
  return { status, statusText, bytes: utf8Length(statusText) };
}

/** The entry without what may be large. */
function shortened(
  { result: _, details, error, message, ...rest }: EventStatus,
): EventStatus {
  const { principal, progress } = details ?? {};
  return {
    ...rest,
    message: cut(message),
    ...(error === undefined
      ? {}
      : { error: { code: error.code, message: cut(error.message) } }),
    // Who asked for something is what the history is read for.
    details: {
      truncated: true,
      ...(principal === undefined ? {} : { principal }),
      // Counts: how readers of the stream know that there is more to ask for.
      ...(progress === undefined ? {} : { progress }),
    },
  };
}

function cut(text: string): string {
  return text.length > MESSAGE_CHARS_MAX
    ? `${text.slice(0, MESSAGE_CHARS_MAX)}…`.toWellFormed()
    : text;
}
