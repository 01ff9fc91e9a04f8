import {
  type EventProgress,
  isRecord,
  type ObjectProgress,
  PROGRESS_OBJECTS_MAX,
  utf8Length,
} from "@transporter/sdk";

/** Bytes of the objects as JSON; of a longer list the beginning is kept. */
const BYTES_MAX = 64 * 1024;

/** Characters of the fields that name something. */
const NAME_CHARS_MAX = 256;

/** Characters of what is said of an object. */
const MESSAGE_CHARS_MAX = 400;

/** Different words for where an object is. */
const COUNTS_MAX = 20;

function text(value: unknown, charsMax: number): string {
  const whole = typeof value === "string" ? value : "";
  const short = whole.length > charsMax
    ? `${whole.slice(0, charsMax)}…`
    : whole;
  return short.toWellFormed();
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) ? Math.max(0, Number(value)) : 0;
}

function readObject(item: Readonly<Record<string, unknown>>): ObjectProgress {
  const name = (key: string) => text(item[key], NAME_CHARS_MAX);
  return {
    kind: name("kind"),
    name: name("name"),
    namespace: name("namespace"),
    api_version: name("api_version"),
    status: name("status"),
    message: text(item["message"], MESSAGE_CHARS_MAX),
    since: name("since"),
  };
}

/** The beginning of a list that fits. */
function fitting(items: readonly ObjectProgress[]): readonly ObjectProgress[] {
  let bytes = 0;
  const last = items.findIndex((item) =>
    (bytes += utf8Length(JSON.stringify(item)) + 1) > BYTES_MAX
  );
  return last === -1 ? items : items.slice(0, last);
}

/**
 * Reads how far an agent says that it is: whatever it says, what is kept has
 * the promised shape and a bounded size.
 *
 * @param value `details.progress` of its status.
 * @returns `undefined` when it is none.
 */
export function readProgress(value: unknown): EventProgress | undefined {
  if (!isRecord(value) || !Array.isArray(value["objects"])) return undefined;
  const counts = isRecord(value["counts"]) ? value["counts"] : {};
  return {
    total: count(value["total"]),
    counts: Object.fromEntries(
      Object.entries(counts).slice(0, COUNTS_MAX)
        .map(([status, n]) => [text(status, NAME_CHARS_MAX), count(n)]),
    ),
    objects: fitting(
      value["objects"].slice(0, PROGRESS_OBJECTS_MAX)
        .filter(isRecord).map(readObject),
    ),
  };
}
