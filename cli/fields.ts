import type { Paint } from "./paint.ts";
import type { Cell } from "./table.ts";
import { pad, safeLines } from "./text.ts";

/** A line of a description: what it is, and its value; left out when that is empty. */
export type Field = readonly [name: string, value: Cell];

/** Lays fields out below each other, their values in one column; values may have several lines. */
export function fields(list: readonly Field[], paint: Paint): string {
  const shown = list.map(([name, value]) => ({
    name,
    ...(typeof value === "string" ? { text: value, style: undefined } : value),
  })).filter(({ text }) => text !== "");
  const width = Math.max(0, ...shown.map(({ name }) => name.length)) + 4;
  return shown.map(({ name, text, style }) => {
    const [first = "", ...more] = safeLines(text);
    const rest = more.map((line) => `${pad("", width)}${line}\n`).join("");
    return `${pad(`${name}:`, width)}${paint(first, style)}\n${rest}`;
  }).join("");
}

/** A heading, and lines below it. */
export function section(name: string, lines: string): string {
  return `${name}:\n${lines.trimEnd().replace(/^(?=.)/gm, "  ")}\n`;
}
