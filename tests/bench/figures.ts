/** One line of the table: what was measured, and against which bar. */
export interface Figure {
  /** What it is. */
  readonly what: string;
  /** What it came to. */
  readonly value: number;
  /** The unit of both numbers. */
  readonly unit: string;
  /** The bar, and on which side of it the value has to be. */
  readonly bar: { readonly atMost: number } | { readonly atLeast: number };
  /** What else there is to say. */
  readonly note?: string;
  /** What somebody else's program does, and under which conditions; of `PEERS`, which can say that none is known. */
  readonly peer: string;
  /** What else was measured and has no bar, for programs: names end with the unit, as in `p50_ms`. */
  readonly also?: Readonly<Record<string, number>>;
}

/** Whether a figure is on the right side of its bar. */
export function meets({ value, bar }: Figure): boolean {
  return "atMost" in bar ? value <= bar.atMost : value >= bar.atLeast;
}

/** The value that a share of all values does not pass; `share` from 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[
    Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  ] ?? NaN;
}

/** Short, and a share so exact that one which misses its bar does not look as if it were met. */
function rounded(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 1 ? 1 : 2);
}

/** The table, in Markdown. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { what, value, unit, bar, note = "", peer } = figure;
    const wanted = "atMost" in bar ? `≤ ${bar.atMost}` : `≥ ${bar.atLeast}`;
    const verdict = meets(figure) ? "met" : "MISSED";
    return `| ${what} | ${
      rounded(value)
    } ${unit} | ${wanted} ${unit} | ${verdict} | ${note} | ${peer} |`;
  });
  return [
    "| what | figure | bar | | conditions | best of others |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

/** The same for programs: one JSON array, in which each figure says whether it meets its bar. */
export function json(figures: readonly Figure[]): string {
  return JSON.stringify(
    figures.map((figure) => ({ ...figure, met: meets(figure) })),
    undefined,
    2,
  );
}
