/**
 * How histories are kept: all changes of a tenant are one stream, each entry of
 * which is a piece of the history of one event, what one step added. The event
 * says where its pieces are, and how many entries of each count: the newest
 * one may have been replaced, and a piece stays as it was added.
 *
 * @module
 */
import type { EventStatus, HistoryEntry } from "@transporter/sdk";
import type { Reply } from "./redis_group.ts";
import type { EventChange } from "./store.ts";

/** What a step adds to a history. */
export interface Piece {
  /** The first entry takes the place of the newest one that is there. */
  readonly replaces: boolean;
  /** The entries; at least one. */
  readonly lines: readonly string[];
}

/** An entry of a history, with the number of the change that added it. */
export interface Placed {
  /** The number of the change. */
  readonly change: number;
  /** What happened. */
  readonly entry: HistoryEntry;
}

/** An entry of the stream of changes. */
export interface Stored {
  /** The event it is about. */
  readonly id: string;
  /** The number of the newest change in it, which is its name in the stream. */
  readonly newest: number;
  /** Its entries, a line each. */
  readonly lines: readonly string[];
}

/** Where a piece is, and how many of its entries count. */
export interface PieceAt {
  /** The number of its newest change. */
  readonly newest: number;
  /** How many entries count, from the first on. */
  readonly count: number;
}

/** An entry as a line of a piece. */
export function entryLine(
  revision: number,
  { status, statusText = JSON.stringify(status) }: Pick<
    EventChange,
    "status" | "statusText"
  >,
): string {
  return `${revision} ${statusText}`; // JSON has no line breaks
}

/** The three words of the script that add a piece. */
export function pieceWords(
  { replaces, lines }: Piece,
): readonly [string, string, string] {
  return [replaces ? "1" : "", String(lines.length), lines.join("\n")];
}

/** Reads where the pieces of a history are: the field `c` of an event, such as `12:1 40:5`. */
export function readPieces(c: string): readonly PieceAt[] {
  return c === "" ? [] : c.split(" ").map((piece) => {
    const [newest, count] = piece.split(":").map(Number);
    return { newest: newest ?? 0, count: count ?? 0 };
  });
}

/** Reads an entry of the stream of changes. */
export function readStored(reply: Reply): Stored {
  const [name, pairs] = Array.isArray(reply) ? reply as readonly Reply[] : [];
  const [, id, , lines] = Array.isArray(pairs) ? pairs.map(String) : [];
  return {
    id: id ?? "",
    newest: Number.parseInt(String(name)),
    lines: (lines ?? "").split("\n"),
  };
}

/** The number of the oldest change in an entry of the stream. */
export function oldestIn({ newest, lines }: Stored): number {
  return newest - lines.length + 1;
}

/** The entries of a piece that count; none when its event does not know it any more. */
export function readPiece(
  stored: Stored,
  { count = 0 }: Partial<PieceAt> = {},
): readonly Placed[] {
  const oldest = oldestIn(stored);
  return stored.lines.slice(0, count).map((line, i) => {
    const space = line.indexOf(" ");
    const status: EventStatus = JSON.parse(line.slice(space + 1));
    const revision = Number(line.slice(0, space));
    return { change: oldest + i, entry: { ...status, revision } };
  });
}
