import {
  type AgentView,
  type EventView,
  formatDuration,
  type HistoryEntry,
  isRecord,
  type ObjectPage,
  parseTime,
  RETRY_DEFAULT,
} from "@transporter/sdk";
import { moment, took } from "./ages.ts";
import { encode } from "./encode.ts";
import { showLabels, showPhase } from "./event_columns.ts";
import { type Field, fields, section } from "./fields.ts";
import { objectColumns, objectsOf, rowsOf } from "./objects.ts";
import { styleOf } from "./paint.ts";
import { type Column, Table, type TableOptions } from "./table.ts";

/** What an event's description is made from. */
export interface EventDescription {
  /** The event. */
  readonly event: EventView;
  /** What happened to it, oldest first. */
  readonly history: readonly HistoryEntry[];
  /** While it runs: where its objects are. */
  readonly objects?: ObjectPage | undefined;
  /** The agent it waits for; `undefined` when it does not wait, or no such agent is known. */
  readonly agent?: AgentView | undefined;
}

/** How it is shown; nothing is cut. */
export interface DescribeOptions extends TableOptions {
  /** Nothing is cut, since everything is asked for. */
  readonly columns: undefined;
  /** The time of day, in milliseconds since 1970. */
  readonly now: number;
}

/** What is asked for, without saying it: payloads may hold secrets. */
function showPayload(payload: unknown): string {
  if (!isRecord(payload)) return "";
  const parts = Object.entries(payload).map(([key, value]) =>
    !Array.isArray(value)
      ? key
      : `${value.length} ${value.length === 1 ? key.replace(/s$/, "") : key}`
  );
  return `${parts.join(", ")} (-o yaml shows it)`;
}

/** When a failed attempt is followed by another. */
function showRetry(policy: EventView["spec"]["retry"]): string {
  if (policy === undefined) return "";
  const { max_attempts, initial_delay, max_delay, on } = policy;
  const parts = [
    max_attempts === undefined ? "" : `${max_attempts} attempts`,
    initial_delay === undefined
      ? ""
      : `up to ${formatDuration(initial_delay)} apart at first`,
    max_delay === undefined ? "" : `${formatDuration(max_delay)} in the end`,
    // The usual codes are those that pass by themselves.
    on === undefined || on.join() === RETRY_DEFAULT.on.join()
      ? ""
      : `on ${on.join(", ") || "nothing"}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** What keeps an event from its agent, besides time and other events. */
function showWait({ event, agent }: EventDescription, now: number): string {
  if (event.state !== "queued") return "";
  if (agent === undefined) return "its agent, which is not known";
  const { connected, seen_at, paused_at } = agent;
  if (!connected) {
    return `its agent, which is not connected: last seen ${
      moment(seen_at, now)
    }`;
  }
  return paused_at === undefined
    ? ""
    : `its agent, which is paused since ${moment(paused_at, now)}`;
}

/** Who says it: the agent, whoever asked for it, or the control plane by itself. */
function speaker({ agent_id, details }: HistoryEntry): string {
  if (agent_id !== "") return agent_id;
  const principal = details?.["principal"];
  return typeof principal === "string" ? principal : "control plane";
}

function head(description: EventDescription, now: number): Field[] {
  const { event } = description;
  const { spec, state, result, error } = event;
  const phase = showPhase(event);
  return [
    ["ID", spec.id],
    ["Type", spec.type],
    ["Agent", spec.target_agent],
    ["State", {
      text: phase === "" ? state : `${state} (${phase})`,
      style: styleOf(state),
    }],
    ["Message", event.message],
    ...(error === undefined
      ? []
      : [["Error", { text: error.code, style: "bad" }] satisfies Field]),
    ["Attempt", String(event.attempt)],
    ["Waits for", showWait(description, now)],
    ["Waits until", moment(event.ready_at, now)],
    ["Cancel asked for", moment(event.cancel_requested_at, now)],
    ["Retry policy", showRetry(spec.retry)],
    [
      "Time for an attempt",
      spec.timeout === undefined ? "" : formatDuration(spec.timeout),
    ],
    ["Concurrency key", spec.concurrency_key ?? ""],
    ["Not before", moment(spec.not_before, now)],
    ["Supersedes", spec.supersedes ?? ""],
    ["Payload", showPayload(spec.payload)],
    ["Priority", String(spec.priority)],
    ["Labels", showLabels(spec.labels)],
    ["Metadata", showLabels(spec.metadata ?? {})],
    ["Batch", spec.batch_id ?? ""],
    ["Created by", spec.created_by],
    ["Created", moment(spec.created_at, now)],
    ["Accepted", moment(event.accepted_at, now)],
    [
      "Deadline",
      `${moment(event.deadline, now)}, ttl ${formatDuration(spec.ttl)}`,
    ],
    ["Updated", moment(event.updated_at, now)],
    ["Finished", moment(event.finished_at, now)],
    ["Took", result === undefined ? "" : took(result.duration)],
    ["Digest", event.digest],
    ["Signed", event.signed ? "yes" : "no"],
    ["Trace", spec.traceparent ?? ""],
  ];
}

/** What the executor says besides what has a place of its own. */
function restOf(
  { event }: EventDescription,
): Readonly<Record<string, unknown>> {
  const {
    success: _,
    resource_status: __,
    error_message: ___,
    completed_at: ____,
    duration: _____,
    ...rest
  } = event.result ?? { success: false, completed_at: "", duration: 0 };
  return rest;
}

/** The time line: when, how long after the start, what, and who says so. */
function historyColumns(
  history: readonly HistoryEntry[],
): Column<HistoryEntry>[] {
  const start = parseTime(history[0]?.timestamp ?? "") ?? 0;
  const days = new Set(history.map(({ timestamp }) => timestamp.slice(0, 10)));
  function after({ timestamp }: HistoryEntry): string {
    const at = parseTime(timestamp);
    if (at === undefined) return "";
    const ms = at - start;
    return ms < 60_000
      ? `+${(ms / 1000).toFixed(3)}s`
      : `+${formatDuration(ms * 1e6)}`;
  }
  function time({ timestamp }: HistoryEntry): string {
    return days.size === 1 ? timestamp.slice(11) : timestamp;
  }
  const columns: Column<HistoryEntry>[] = [
    { name: "TIME", cell: time },
    { name: "AFTER", cell: after },
    {
      name: "STEP",
      cell: ({ state, phase = state }) => ({
        text: phase,
        style: styleOf(phase),
      }),
    },
    { name: "BY", cell: speaker },
    { name: "MESSAGE", cell: ({ message }) => message },
  ];
  if (history.some(({ attempt = 1 }) => attempt > 1)) {
    columns.splice(2, 0, {
      name: "ATTEMPT",
      cell: ({ attempt = "" }) => String(attempt),
    });
  }
  return columns;
}

/** Everything about an event, for people. */
export function describeEvent(
  description: EventDescription,
  options: DescribeOptions,
): string {
  const { event, history } = description;
  const { now, paint } = options;
  const { target_agent: agent } = event.spec;
  const objects = description.objects === undefined
    ? objectsOf(event.result, agent)
    : rowsOf(description.objects.items, agent);
  const more = (description.objects?.total ?? 0) - objects.length;
  const rest = restOf(description);
  const details = event.error?.details ?? {};
  return fields(head(description, now), paint) +
    (objects.length === 0 ? "" : section(
      "Objects",
      new Table(objectColumns(objects, { times: true, now }), options)
        .head(objects) + (more > 0 ? `… and ${more} more\n` : ""),
    )) +
    (Object.keys(rest).length === 0
      ? ""
      : section("Result", encode(rest, "yaml"))) +
    (Object.keys(details).length === 0
      ? ""
      : section("Error details", encode(details, "yaml"))) +
    section(
      "History",
      new Table(historyColumns(history), options).head(history),
    );
}
