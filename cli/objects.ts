import { type EventResult, isRecord } from "@transporter/sdk";
import { ageOf, took } from "./ages.ts";
import { objectStyleOf } from "./paint.ts";
import type { Column } from "./table.ts";

/** What an object of a cluster became, as far as the agent told. */
export interface ObjectRow {
  /** The agent that did it. */
  readonly agent: string;
  /** The object's kind. */
  readonly kind: string;
  /** The object's name. */
  readonly name: string;
  /** The object's namespace. */
  readonly namespace: string;
  /** The object's API version. */
  readonly apiVersion: string;
  /** `created`, `configured`, `unchanged`, `failed`, … */
  readonly status: string;
  /** For people. */
  readonly message: string;
  /** How long was worked on it, in nanoseconds; `undefined` when the agent does not say. */
  readonly duration: number | undefined;
  /** How long after that it was ready, in nanoseconds; `undefined` when that was not waited for. */
  readonly readyAfter: number | undefined;
  /** While its event runs: since when the status is what it is, RFC 3339. */
  readonly since: string | undefined;
}

/** A text of an agent; whatever else it sent is shown, not trusted. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

function time(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The objects of a result; agents may send anything. */
export function objectsOf(
  result: EventResult | null | undefined,
  agent: string,
): ObjectRow[] {
  return rowsOf(result?.resource_status, agent);
}

/** The objects of a list of what became of them, or of where they are. */
export function rowsOf(list: unknown, agent: string): ObjectRow[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).map((each) => ({
    agent,
    kind: text(each["kind"]),
    name: text(each["name"]),
    namespace: text(each["namespace"]),
    apiVersion: text(each["api_version"]),
    status: text(each["status"]),
    message: text(each["message"]),
    duration: time(each["duration"]),
    readyAfter: time(each["ready_after"]),
    since: typeof each["since"] === "string" ? each["since"] : undefined,
  }));
}

/** Which columns the table of objects has. */
export interface ObjectColumns {
  /** Which agent did it. */
  readonly agent?: boolean;
  /** How long each took. */
  readonly times?: boolean;
  /** The time of day, in milliseconds since 1970: since when each is where it is shows, where anything says so. */
  readonly now?: number;
  /** Everything there is to say. */
  readonly wide?: boolean;
}

/** What became of an object against what was asked for, or not at all: only the message says why. */
const NEEDS_WHY: ReadonlySet<string> = new Set([
  "failed",
  "not_attempted",
  "skipped",
  "unknown",
  "unverifiable",
]);

/** The columns of the table of objects; messages show when something was not done. */
export function objectColumns(
  rows: readonly ObjectRow[],
  options: ObjectColumns = {},
): Column<ObjectRow>[] {
  const { agent = false, wide = false, times = wide, now } = options;
  const wrong = rows.some(({ status }) => NEEDS_WHY.has(status));
  const runs = rows.some(({ since }) => since !== undefined);
  const columns: Column<ObjectRow>[] = [
    { name: "KIND", cell: (row) => row.kind },
    { name: "NAME", cell: (row) => row.name, whole: true },
    { name: "NAMESPACE", cell: (row) => row.namespace },
    {
      name: "STATUS",
      cell: (row) => ({ text: row.status, style: objectStyleOf(row.status) }),
      whole: true,
    },
  ];
  if (agent) columns.unshift({ name: "AGENT", cell: (row) => row.agent });
  if (runs && now !== undefined) {
    columns.push({ name: "AGE", cell: ({ since }) => ageOf(since, now) });
  }
  if (times) columns.push(...timeColumns(rows));
  if (wide) {
    columns.push({
      name: "API VERSION",
      cell: (row) => row.apiVersion,
    });
  }
  if (wide || wrong || runs) {
    columns.push({ name: "MESSAGE", cell: (row) => row.message });
  }
  return columns;
}

/** How long each object took, and until it was ready, where anything says so. */
function timeColumns(rows: readonly ObjectRow[]): Column<ObjectRow>[] {
  const columns = [
    ["TOOK", ({ duration }: ObjectRow) => duration],
    ["READY AFTER", ({ readyAfter }: ObjectRow) => readyAfter],
  ] as const;
  return columns
    .filter(([, value]) => rows.some((row) => value(row) !== undefined))
    .map(([name, value]) => ({
      name,
      cell: (row) => {
        const ns = value(row);
        return ns === undefined ? "" : took(ns);
      },
    }));
}

/** What an object does not become when it is only asked what it would. */
const CHANGES: ReadonlySet<string> = new Set([
  "created",
  "configured",
  "deleted",
]);

/** How many objects became what, `3 created, 1 unchanged`, or would: `3 would be created, 1 unchanged`. */
export function tally(
  rows: readonly ObjectRow[],
  { asks = false }: { readonly asks?: boolean } = {},
): string {
  const counts = new Map<string, number>();
  for (const { status } of rows) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return [...counts].map(([status, count]) => {
    const would = asks && CHANGES.has(status) ? "would be " : "";
    return `${count} ${would}${status}`;
  }).join(", ");
}
