import { isDone } from "@transporter/sdk";
import { ageOf } from "./ages.ts";
import type { ObjectRow } from "./objects.ts";
import { objectStyleOf, type Paint, type Style } from "./paint.ts";
import { cut, pad, safe, widthOf } from "./text.ts";

/** The objects of one event. */
export interface LiveList {
  /** Those that are told of, in the order of the event. */
  readonly rows: readonly ObjectRow[];
  /** How many there are. */
  readonly total: number;
  /** How many are in which status. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How {@linkcode liveFrame} is shown. */
export interface FrameOptions {
  /** Columns that a line may take. */
  readonly columns: number;
  /** Lines that there is room for. */
  readonly lines: number;
  /** What tells the objects of one event from those of another, as a heading; `undefined` for one event. */
  readonly owner: "AGENT" | "EVENT" | undefined;
  /** The time of day, in milliseconds since 1970. */
  readonly now: number;
  /** Colour. */
  readonly paint: Paint;
}

/** A piece of a line. */
type Piece = readonly [text: string, style?: Style | undefined];

const GAP = "  ";
/** What a message has at least of a line, before names are cut. */
const MESSAGE_SHARE = 0.4;
/** What is left at least of what may be cut, in columns. */
const LEAST = { owner: 6, kind: 8, place: 12 } as const;

/** `NAMESPACE/NAME`, or `NAME`. */
export function placeOf({ namespace, name }: ObjectRow): string {
  return safe(namespace === "" ? name : `${namespace}/${name}`);
}

/** The end of a text: names of objects differ there. */
function endOf(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const characters = [...text];
  while (widthOf(characters.join("")) >= columns) characters.shift();
  return `…${characters.join("")}`;
}

/** Of more objects than there is room for, those with the lowest number are shown. */
function rankOf({ status }: ObjectRow): number {
  if (status === "failed" || status === "unknown") return 0;
  if (status === "waiting") return 1;
  if (isDone(status)) return 4;
  return status === "pending" ? 3 : 2;
}

/** Those that are not done first, as many as there is room for. */
function chosen(rows: readonly ObjectRow[], room: number): ObjectRow[] {
  if (rows.length <= room) return [...rows];
  return rows.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, room);
}

/** As much of a line as fits. */
function lineOf(
  pieces: readonly Piece[],
  { columns, paint }: FrameOptions,
): string {
  let room = columns;
  let line = "";
  for (const [text, style] of pieces) {
    const fits = widthOf(text) <= room;
    const shown = fits ? text : room === 0 ? "" : cut(text, room);
    line += paint(shown, style);
    room -= widthOf(shown);
    if (!fits) break;
  }
  return line.trimEnd();
}

interface Widths {
  owner: number;
  kind: number;
  place: number;
  status: number;
  age: number;
}

/** Takes from names what messages need. */
function widthsOf(
  cells: readonly (readonly string[])[],
  { columns, owner }: FrameOptions,
): Widths {
  const widest = (index: number) =>
    Math.max(...cells.map((row) => widthOf(row[index] ?? "")));
  const widths: Widths = {
    owner: owner === undefined ? 0 : widest(0),
    kind: widest(1),
    place: widest(2),
    status: widest(3),
    age: widest(4),
  };
  const count = owner === undefined ? 4 : 5;
  const sum = () => Object.values(widths).reduce((a, b) => a + b, 0);
  for (const name of ["place", "kind", "owner"] as const) {
    const over = Math.ceil(
      sum() + count * GAP.length - columns * (1 - MESSAGE_SHARE),
    );
    if (over <= 0) break;
    const least = Math.min(widths[name], LEAST[name]);
    widths[name] = Math.max(least, widths[name] - over);
  }
  return widths;
}

function summaryOf(lists: readonly LiveList[], shown: number): string {
  const counts = new Map<string, number>();
  for (const list of lists) {
    for (const [status, n] of Object.entries(list.counts)) {
      counts.set(status, (counts.get(status) ?? 0) + n);
    }
  }
  const total = lists.reduce((sum, list) => sum + list.total, 0);
  const done = [...counts].reduce(
    (sum, [status, n]) => sum + (isDone(status) ? n : 0),
    0,
  );
  const each = [...counts].map(([status, n]) => `${n} ${safe(status)}`);
  const more = total > shown ? `… and ${total - shown} more; ` : "";
  return `${more}${done} of ${total} done: ${each.join(", ")}`;
}

/**
 * Lays out where objects are: a line for each, those that are not done first
 * when there are more than lines, and a line that counts all.
 *
 * @param lists The objects of each event.
 * @returns The lines, each no longer than asked for; none when there are no objects.
 */
export function liveFrame(
  lists: readonly LiveList[],
  options: FrameOptions,
): string[] {
  const rows = lists.flatMap((list) => list.rows);
  if (rows.length === 0 || options.lines < 1) return [];
  const indent = "  ";
  // A heading above, the count below.
  const shown = chosen(rows, Math.max(0, options.lines - 2));
  const summary = lineOf(
    [[indent + summaryOf(lists, shown.length), "dim"]],
    options,
  );
  if (shown.length === 0) return [summary];
  const head = [
    options.owner ?? "",
    "KIND",
    "NAME",
    "STATUS",
    "AGE",
    "WAITS FOR",
  ];
  const body = shown.map((row) => [
    safe(row.agent),
    safe(row.kind),
    placeOf(row),
    safe(row.status),
    ageOf(row.since, options.now),
    safe(row.message),
  ]);
  const widths = widthsOf([head, ...body], options);
  const line = (
    [owner = "", kind = "", place = "", status = "", age = "", why = ""]:
      readonly string[],
    style?: Style,
  ) => {
    const cell = (text: string, width: number) =>
      pad(cut(text, width), width) + GAP;
    return lineOf([
      [indent],
      ...(options.owner === undefined
        ? []
        : [[cell(owner, widths.owner), style] as Piece]),
      [cell(kind, widths.kind), style],
      [cell(endOf(place, widths.place), widths.place), style],
      [cell(status, widths.status), style ?? objectStyleOf(status)],
      [cell(age, widths.age), style],
      [why, style],
    ], options);
  };
  return [line(head, "dim"), ...body.map((cells) => line(cells)), summary];
}
