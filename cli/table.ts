import type { Paint, Style } from "./paint.ts";
import { cut, pad, safe, widthOf } from "./text.ts";

/** A cell: text from anywhere, and how it is shown. */
export type Cell = string | {
  /** What it says; made safe for a terminal here. */
  readonly text: string;
  /** Its colour. */
  readonly style: Style | undefined;
};

/** A column of a table. */
export interface Column<T> {
  /** Its heading. */
  readonly name: string;
  /** The cell of a row. */
  readonly cell: (row: T) => Cell;
  /** Never cut, since people copy it. */
  readonly whole?: boolean;
  /** What rows that come later may need, in columns of the terminal. */
  readonly later?: number;
}

/** How a table is shown. */
export interface TableOptions {
  /** The columns of the terminal; `undefined`: nothing is cut. */
  readonly columns: number | undefined;
  /** Gives cells their colour. */
  readonly paint: Paint;
}

const GAP = "   ";
/** Columns are not cut below it, or nothing could be recognised. */
const WIDTH_MIN = 6;

interface Plain {
  readonly text: string;
  readonly style: Style | undefined;
}

function plainOf(cell: Cell): Plain {
  return typeof cell === "string"
    ? { text: safe(cell), style: undefined }
    : { text: safe(cell.text), style: cell.style };
}

/** Takes from the widest column that may be cut, until the line fits or nothing more can be taken. */
function fit(
  widths: readonly number[],
  columns: readonly Column<never>[],
  room: number,
): number[] {
  const fitted = [...widths];
  let over = fitted.reduce((sum, width) => sum + width, 0) +
    GAP.length * (fitted.length - 1) - room;
  while (over > 0) {
    let widest = -1;
    for (const [i, width] of fitted.entries()) {
      const least = Math.max(WIDTH_MIN, columns[i]?.name.length ?? 0);
      if (columns[i]?.whole === true || width <= least) continue;
      if (widest === -1 || width > (fitted[widest] ?? 0)) widest = i;
    }
    if (widest === -1) break;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
    over--;
  }
  return fitted;
}

/**
 * Lays rows out under headings, like kubectl. The widths are those of the rows
 * given first, so that rows which come later stand in the same columns.
 *
 * @typeParam T What a row is about.
 */
export class Table<T> {
  readonly #columns: readonly Column<T>[];
  readonly #options: TableOptions;
  #widths: readonly number[] = [];

  /** Makes a table without rows. */
  constructor(columns: readonly Column<T>[], options: TableOptions) {
    this.#columns = columns;
    this.#options = options;
  }

  /**
   * The headings and the first rows, each line with its line break.
   *
   * @param rows May be none.
   * @param options `goesOn`: leaves room for rows that come later.
   */
  head(
    rows: readonly T[],
    options: { readonly goesOn?: boolean } = {},
  ): string {
    const heads = this.#columns.map(({ name }) => plainOf(name));
    const body = rows.map((row) => this.#cells(row));
    const widths = heads.map((head, i) =>
      Math.max(
        widthOf(head.text),
        (options.goesOn && this.#columns[i]?.later) || 0,
        ...body.map((cells) => widthOf(cells[i]?.text ?? "")),
      )
    );
    const { columns } = this.#options;
    this.#widths = columns === undefined
      ? widths
      : fit(widths, this.#columns, columns);
    return [heads, ...body].map((cells) => this.#line(cells)).join("");
  }

  /** One more row. */
  row(row: T): string {
    return this.#line(this.#cells(row));
  }

  #cells(row: T): Plain[] {
    return this.#columns.map(({ cell }) => plainOf(cell(row)));
  }

  #line(cells: readonly Plain[]): string {
    const { columns, paint } = this.#options;
    const parts = cells.map(({ text, style }, i) => {
      const width = this.#widths[i] ?? 0;
      const cuts = columns !== undefined && this.#columns[i]?.whole !== true;
      const shown = cuts ? cut(text, width) : text;
      const last = i === cells.length - 1;
      return paint(shown, style) +
        (last ? "" : pad("", width - widthOf(shown)));
    });
    return `${parts.join(GAP).trimEnd()}\n`;
  }
}
