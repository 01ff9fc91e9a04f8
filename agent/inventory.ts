import {
  formatTime,
  type InventoryDigest,
  inventoryDigest,
  type InventoryFrame,
  type InventoryItem,
  parseTime,
  type State,
} from "@transporter/sdk";
import type { JournalEntry } from "./journal_record.ts";

/** Items on a page: with the longest messages it stays below 512 KiB. */
const PAGE_ITEMS_MAX = 200;

/** Characters of an item's error message; the status that was told has all of it. */
const MESSAGE_CHARS_MAX = 500;

/** What is open according to a journal, in one line: all but ends that the control plane has. */
export function openDigest(entries: Iterable<JournalEntry>): InventoryDigest {
  const open = [...entries].filter(({ acknowledged }) => !acknowledged);
  return inventoryDigest(
    open.map(({ id, attempt }) => ({ event_id: id, attempt })),
  );
}

/** What the control plane has in any case. */
export interface KnownEnds {
  /** Ends before this time, in milliseconds since 1970. */
  readonly since: number;
  /** Statuses up to this number: it has lost what it acknowledged beyond. */
  readonly statusUpto: number;
}

/**
 * Makes the pages of an inventory: what the agent remembers, by ascending id.
 *
 * @param entries What is in the journal.
 * @param known Leaves out ends that were acknowledged, if the control plane has them by their time and by
 * their number; absent: leaves out nothing.
 */
export function* inventoryPages(
  entries: Iterable<JournalEntry>,
  known?: KnownEnds,
): Generator<InventoryFrame> {
  const items = [...entries].filter((entry) => !isKnown(entry, known))
    .map(itemOf).sort((a, b) => a.event_id < b.event_id ? -1 : 1);
  let from = 0;
  do {
    const page = items.slice(from, from += PAGE_ITEMS_MAX);
    yield { type: "inventory", items: page, more: from < items.length };
  } while (from < items.length);
}

function isKnown(
  { acknowledged, status, sid }: JournalEntry,
  known: KnownEnds | undefined,
): boolean {
  if (!acknowledged || known === undefined) return false;
  // Its time is of a clock that may have been wrong then, its number is not.
  const endedAt = parseTime(status?.timestamp ?? "") ?? Infinity;
  return endedAt < known.since && sid <= known.statusUpto;
}

const STATE_OF: Readonly<Record<JournalEntry["stage"], State>> = {
  received: "assigned",
  begun: "in_progress",
  finished: "in_progress", // unless its last status says more: it was interrupted
};

function itemOf(
  { id, digest, attempt, stage, status }: JournalEntry,
): InventoryItem {
  const { code, message = "" } = status?.error ?? {};
  return {
    event_id: id,
    digest,
    attempt,
    state: status?.state ?? STATE_OF[stage],
    ...(status === undefined
      ? {}
      : { finished_at: formatTime(parseTime(status.timestamp) ?? 0) }),
    ...(code === undefined
      ? {}
      : { error: { code, message: message.slice(0, MESSAGE_CHARS_MAX) } }),
  };
}
