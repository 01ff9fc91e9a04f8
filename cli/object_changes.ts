import { isRecord } from "@transporter/sdk";
import {
  type Fields,
  type Line,
  linesOfChange,
  linesOfNew,
  valueText,
} from "./change_lines.ts";
import type { Invocation } from "./invocation.ts";
import type { Seen } from "./outcome.ts";
import type { Style } from "./paint.ts";
import { safe } from "./text.ts";

const STYLES: Readonly<Record<Line[0], Style | undefined>> = {
  "-": "bad",
  "+": "good",
  " ": "dim",
};

function linesOfFields(fields: unknown): Line[] {
  return Object.entries(isRecord(fields) ? fields : {}).map(([path, value]) => [
    " ",
    `${safe(path)}: ${valueText(value)}`,
  ]);
}

function linesOfObject(object: Fields): Line[] {
  const { changes } = object;
  if (!Array.isArray(changes)) return linesOfFields(object["fields"]);
  const all = changes.filter(isRecord);
  return linesOfNew(all) ?? all.flatMap(linesOfChange);
}

/** What an event asks for, and does not do: its objects are said to be what they would be. */
export function onlyAsks({ view: { spec } }: Seen): boolean {
  return spec.payload?.["operation"] === "diff" ||
    spec.payload?.["dry_run"] === true;
}

/**
 * Shows how objects differ, or what was read of them, where their results say
 * it: an object's name, and a line for each field; of an object that would be
 * deleted its name alone.
 *
 * @param invocation The command.
 * @param seen The events.
 */
export function showChanges(
  invocation: Invocation,
  seen: readonly Seen[],
): void {
  for (const each of seen) {
    const { agent, view } = each;
    const list: unknown = view.result?.resource_status;
    for (const object of Array.isArray(list) ? list.filter(isRecord) : []) {
      const lines = linesOfObject(object);
      const goes = object["status"] === "deleted" && onlyAsks(each);
      if (lines.length === 0 && !goes) continue;
      const where = seen.length > 1 ? ` (agent ${safe(agent)})` : "";
      const what = safe(String(object["message"] ?? ""));
      const style = goes ? "bad" : "bold";
      invocation.print(`\n${invocation.paint(what, style)}${where}\n`);
      for (const [sign, text] of lines) {
        invocation.print(
          `${invocation.paint(`  ${sign} ${text}`, STYLES[sign])}\n`,
        );
      }
    }
  }
}

/** What an object may be that is not as the manifests have it. */
const DIFFERS: ReadonlySet<unknown> = new Set([
  "created",
  "configured",
  "deleted",
  "drifted",
  "missing",
  "unverifiable",
]);

/** Whether a comparison found that something differs, or may have: the result was too long to be kept. */
export function differs({ view: { result } }: Seen): boolean {
  const list: unknown = result?.resource_status;
  return result?.["truncated"] === true || Array.isArray(list) &&
      list.some((object) => isRecord(object) && DIFFERS.has(object["status"]));
}
