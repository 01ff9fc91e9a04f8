import { type EventResult, type EventView, isRecord } from "@transporter/sdk";
import type { Style } from "./paint.ts";
import type { Column } from "./table.ts";

/** What a policy found about an object, as far as the agent told. */
export interface FindingRow {
  /** The agent that looked. */
  readonly agent: string;
  /** `error`, `warning` or `info`. */
  readonly severity: string;
  /** The policy. */
  readonly policy: string;
  /** The rule of it. */
  readonly rule: string;
  /** The object's kind. */
  readonly kind: string;
  /** The object's name. */
  readonly name: string;
  /** The object's namespace. */
  readonly namespace: string;
  /** What is wrong. */
  readonly message: string;
}

const STYLES: Readonly<Record<string, Style>> = {
  error: "bad",
  warning: "warn",
  info: "dim",
};

/** A text of an agent; whatever else it sent is shown, not trusted. */
function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/** Whether an event judges objects. */
export function isJudging({ spec }: EventView): boolean {
  return spec.type === "policy";
}

/** The findings of a result; agents may send anything. */
export function findingsOf(
  result: EventResult | null | undefined,
  agent: string,
): FindingRow[] {
  const list: unknown = result?.resource_status;
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).map((each) => ({
    agent,
    severity: text(each["severity"]),
    policy: text(each["policy"]),
    rule: text(each["rule"]),
    kind: text(each["kind"]),
    name: text(each["name"]),
    namespace: text(each["namespace"]),
    message: text(each["message"]),
  }));
}

/** The columns of the table of findings. */
export function findingColumns(
  { agent = false }: { readonly agent?: boolean } = {},
): Column<FindingRow>[] {
  const columns: Column<FindingRow>[] = [
    {
      name: "SEVERITY",
      cell: ({ severity }) => ({ text: severity, style: STYLES[severity] }),
      whole: true,
    },
    { name: "POLICY", cell: ({ policy }) => policy, whole: true },
    { name: "RULE", cell: ({ rule }) => rule },
    { name: "KIND", cell: ({ kind }) => kind },
    { name: "NAME", cell: ({ name }) => name, whole: true },
    { name: "NAMESPACE", cell: ({ namespace }) => namespace },
    { name: "MESSAGE", cell: ({ message }) => message },
  ];
  if (agent) columns.unshift({ name: "AGENT", cell: (row) => row.agent });
  return columns;
}

/** What the agent warns of. */
export function warningsOf(
  result: EventResult | null | undefined,
): readonly string[] {
  const list: unknown = result?.["warnings"];
  return Array.isArray(list) ? list.map(text) : [];
}

/** How many objects were judged, and how many findings there are: `2 error, 1 warning in 600 objects`. */
export function judged(result: EventResult | null | undefined): string {
  const summary = result?.["summary"];
  if (!isRecord(summary)) return "";
  const counts = Object.keys(STYLES)
    .filter((name) => Number(summary[name]) > 0)
    .map((name) => `${summary[name]} ${name}`);
  const objects = `${summary["objects"]} objects`;
  return `${counts.length === 0 ? "nothing" : counts.join(", ")} in ${objects}`;
}
