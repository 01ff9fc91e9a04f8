import { diffLines } from "diff";
import { isRecord } from "@transporter/sdk";
import type { Invocation } from "./invocation.ts";
import type { Seen } from "./outcome.ts";
import type { Style } from "./paint.ts";
import { safe, safeLines } from "./text.ts";

/** Lines that are shown around a change of a text of several lines. */
const CONTEXT_LINES = 2;

type Fields = Readonly<Record<string, unknown>>;

/** A line, and what it is: gone, new, or there before and after. */
type Line = readonly [sign: "-" | "+" | " ", text: string];

const STYLES: Readonly<Record<Line[0], Style | undefined>> = {
  "-": "bad",
  "+": "good",
  " ": "dim",
};

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

function valueLine(sign: "-" | "+", path: string, value: unknown): Line {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return [sign, `${path}: ${safe(text)}`];
}

function linesOfChange(change: Fields): Line[] {
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
    ...(before === undefined ? [] : [valueLine("-", path, before)]),
    ...(after === undefined ? [] : [valueLine("+", path, after)]),
  ];
}

function linesOfFields(fields: unknown): Line[] {
  return Object.entries(isRecord(fields) ? fields : {}).map(([path, value]) => [
    " ",
    `${safe(path)}: ${
      safe(typeof value === "string" ? value : JSON.stringify(value))
    }`,
  ]);
}

/**
 * Shows how objects differ, or what was read of them, where their results say
 * it: an object's name, and a line for each field.
 *
 * @param invocation The command.
 * @param seen The events.
 */
export function showChanges(
  invocation: Invocation,
  seen: readonly Seen[],
): void {
  for (const { agent, view } of seen) {
    const list: unknown = view.result?.resource_status;
    for (const object of Array.isArray(list) ? list.filter(isRecord) : []) {
      const changes = object["changes"];
      const lines = Array.isArray(changes)
        ? changes.filter(isRecord).flatMap(linesOfChange)
        : linesOfFields(object["fields"]);
      if (lines.length === 0) continue;
      const where = seen.length > 1 ? ` (agent ${safe(agent)})` : "";
      const what = safe(String(object["message"] ?? ""));
      invocation.print(`\n${invocation.paint(what, "bold")}${where}\n`);
      for (
        const [sign, text] of lines
      ) {
        invocation.print(
          `${invocation.paint(`  ${sign} ${text}`, STYLES[sign])}\n`,
        );
      }
    }
  }
}
