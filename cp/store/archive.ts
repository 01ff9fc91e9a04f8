/**
 * A store as a whole, to be read from one end to the other and written the same
 * way: what moves events from one kind of store to another.
 *
 * @module
 */
import { type HistoryEntry, TransporterError } from "@transporter/sdk";
import type { AgentRecord, EventRecord, LogChunk, Tombstone } from "./store.ts";

/** An agent, also one that was forgotten: its generation counts. */
export interface AgentItem {
  /** The discriminant. */
  readonly kind: "agent";
  /** The agent. */
  readonly agent: AgentRecord;
  /** Whether it was forgotten. */
  readonly deleted: boolean;
}

/** A number that somebody keeps under a name. */
export interface MarkItem {
  /** The discriminant. */
  readonly kind: "mark";
  /** Whose it is. */
  readonly tenant: string;
  /** The name. */
  readonly name: string;
  /** The number. */
  readonly value: number;
}

/** What is left of an event that is not kept any more. */
export interface TombstoneItem {
  /** The discriminant. */
  readonly kind: "tombstone";
  /** Whose it was. */
  readonly tenant: string;
  /** What is left. */
  readonly tombstone: Tombstone;
  /** The idempotency key it had of its own. */
  readonly key?: string;
}

/** An event, without its history. */
export interface EventItem {
  /** The discriminant. */
  readonly kind: "event";
  /** Where it is now. */
  readonly record: EventRecord;
  /** Its payload, as JSON. */
  readonly payload: string;
  /** The latest time of acceptance up to it. */
  readonly acceptedUpto: number;
  /** What it put out. */
  readonly logs: readonly LogChunk[];
}

/** An entry of a history; they come in the order of their changes, after all events. */
export interface EntryItem {
  /** The discriminant. */
  readonly kind: "entry";
  /** The number of the change. */
  readonly change: number;
  /** Whose event it is about. */
  readonly tenant: string;
  /** What happened. */
  readonly entry: HistoryEntry;
}

/** A piece of a store. */
export type ArchiveItem =
  | AgentItem
  | MarkItem
  | TombstoneItem
  | EventItem
  | EntryItem;

/** What a piece of a store is. */
export type ItemKind = "agent" | "mark" | "tombstone" | "event" | "entry";

/** The kinds of pieces, in their order. */
export const ITEM_KINDS: readonly ItemKind[] = [
  "agent",
  "mark",
  "tombstone",
  "event",
  "entry",
];

/** How many pieces there are of each kind. */
export type ItemCounts = Readonly<Record<ItemKind, number>>;

/** The highest numbers ever given. */
export interface Counters {
  /** Of events. */
  readonly enq: number;
  /** Of changes. */
  readonly change: number;
  /** The latest time of acceptance. */
  readonly acceptedUpto: number;
}

/** A piece, and where to go on after it. */
export interface Placed {
  /** The piece. */
  readonly item: ArchiveItem;
  /** Goes on after it. */
  readonly cursor: string;
}

/** What a store remembers of being moved. */
export interface MoveMark {
  /** Names the move: the same at both ends. */
  readonly move: string;
  /** The store at the other end, for people. */
  readonly other: string;
  /** Of a store that is filled: what it has, up to here; absent before the first piece. */
  readonly cursor?: string;
  /** Whether the move has ended. */
  readonly isOver: boolean;
}

/** The marks of a store. */
export interface MoveMarks {
  /** It is moved away. */
  readonly source?: MoveMark;
  /** Another one is moved into it. */
  readonly target?: MoveMark;
}

/** A store that nobody uses meanwhile. */
export interface Archive extends AsyncDisposable {
  /** What it remembers of being moved. */
  marks(): Promise<MoveMarks>;
  /** Remembers that it is moved away, durably: no control plane opens it from now on. */
  markSource(mark: MoveMark): Promise<void>;
  /** How much there is. */
  counts(): Promise<ItemCounts>;
  /** The highest numbers ever given. */
  counters(): Promise<Counters>;
  /** All pieces after one, in their order. */
  read(after?: string): AsyncIterable<Placed>;
  /** Adds pieces, those that are there already left as they are, and then the mark, durably. */
  write(items: readonly ArchiveItem[], mark: MoveMark): Promise<void>;
  /** Ends being filled: from now on control planes may open it. */
  finish(counters: Counters, mark: MoveMark): Promise<void>;
}

/**
 * Refuses to open a store that is being moved, or was.
 *
 * @throws {TransporterError} `conflict`, which says what to do.
 */
export function refuseMoved({ source, target }: MoveMarks): void {
  if (source !== undefined) {
    throw new TransporterError(
      "conflict",
      source.isOver
        ? `Cannot open the store as it was moved to ${source.other}: name that one with --store`
        : `Cannot open the store as it is being moved to ${source.other}: run "transporter migrate" again, which goes on where it was`,
    );
  }
  if (target !== undefined && !target.isOver) {
    throw new TransporterError(
      "conflict",
      `Cannot open the store as ${target.other} is being moved into it: run "transporter migrate" again, which goes on where it was`,
    );
  }
}

/** The two parts of a cursor such as `event:12`. */
export function splitCursor(
  cursor: string | undefined,
): { readonly kind: string; readonly place: string } {
  if (cursor === undefined) return { kind: "agent", place: "" };
  const colon = cursor.indexOf(":");
  return { kind: cursor.slice(0, colon), place: cursor.slice(colon + 1) };
}
