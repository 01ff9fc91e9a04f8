import { diffLines } from "diff";
import { isRecord } from "@transporter/sdk";
import { encode } from "./encode.ts";
import { safe, safeLines } from "./text.ts";

/** Lines that are shown around a change of a text of several lines, as `diff -u` does. */
const CONTEXT_LINES = 3;

/** A JSON object, as an agent sent it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A line, and what it is: gone, new, or there before and after. */
export type Line = readonly [sign: "-" | "+" | " ", text: string];

function isText(value: unknown): value is string {
  return typeof value === "string" && value.includes("\n");
}

function linesOf(text: string): string[] {
  return [...safeLines(text.endsWith("\n") ? text.slice(0, -1) : text)];
}

/** The lines of two texts that differ, with a few around them. */
function textLines(before: string, after: string): Line[] {
  const lines = diffLines(before, after).flatMap((part): Line[] => {
    const sign = part.added ? "+" : part.removed ? "-" : " ";
    return linesOf(part.value).map((line) => [sign, line]);
  });
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1)
      .some(([sign]) => sign !== " ")
  );
  return lines.flatMap((line, index): Line[] => {
    if (near[index]) return [line];
    return near[index - 1] ?? index === 0 ? [[" ", "…"]] : [];
  });
}

/** Texts that YAML, or a person, would take for something else, or for nothing. */
const QUOTED_REGEXP =
  /^$|^\s|\s$|^[[{"'&*!|>%@`#]|^(true|false|null|yes|no|on|off|y|n|~|-)$|^[-+.]?\d/i;

/** A value in one line; a text that could be taken for another value is in quotes. */
export function valueText(value: unknown): string {
  return safe(
    typeof value === "string" && !QUOTED_REGEXP.test(value)
      ? value
      : JSON.stringify(value) ?? "",
  );
}

/** A value with its path before it, in as many lines as it takes. */
function valueLines(sign: "-" | "+", path: string, value: unknown): Line[] {
  const isNested = (isRecord(value) || Array.isArray(value)) &&
    Object.keys(value).length > 0;
  if (!isNested) return [[sign, `${path}: ${valueText(value)}`]];
  return [
    [sign, `${path}:`],
    ...linesOf(encode(value, "yaml")).map((line): Line => [sign, `  ${line}`]),
  ];
}

/** How a field differs. */
export function linesOfChange(change: Fields): Line[] {
  const path = safe(String(change["path"] ?? ""));
  const { before, after } = change;
  if (isText(before) || isText(after)) {
    const sides = [before ?? "", after ?? ""];
    if (sides.every((side) => typeof side === "string")) {
      const [old = "", now = ""] = sides.map(String);
      return [
        [" ", `${path}:`],
        ...textLines(old, now)
          .map(([sign, text]): Line => [sign, `  ${text}`]),
      ];
    }
  }
  return [
    ...(before === undefined ? [] : valueLines("-", path, before)),
    ...(after === undefined ? [] : valueLines("+", path, after)),
  ];
}

/** The order in which people write the parts of an object. */
const PARTS = ["apiVersion", "kind", "metadata"];

/**
 * An object that is not there yet, out of its fields: as YAML, as it would be
 * in a file.
 *
 * @returns Nothing when the changes are not those of such an object.
 */
export function linesOfNew(changes: readonly Fields[]): Line[] | undefined {
  const object: Record<string, unknown> = {};
  for (const { path, before, after } of changes) {
    const [, part = "", field] =
      /^\.([A-Za-z]+)(?:\.([A-Za-z]+))?$/.exec(String(path)) ?? [];
    if (part === "" || before !== undefined) return undefined;
    if (field === undefined) object[part] = after;
    else {
      const known = object[part] ?? {};
      if (!isRecord(known)) return undefined;
      object[part] = { ...known, [field]: after };
    }
  }
  if (object["kind"] === undefined || object["apiVersion"] === undefined) {
    return undefined;
  }
  const rank = (part: string) => (PARTS.indexOf(part) + 4) % 4;
  const sorted = Object.fromEntries(
    Object.entries(object).toSorted(([a], [b]) => rank(a) - rank(b)),
  );
  return linesOf(encode(sorted, "yaml")).map((line): Line => ["+", line]);
}
