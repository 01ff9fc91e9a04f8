import {
  type EventView,
  formatDuration,
  isTerminal,
  parseTime,
} from "@transporter/sdk";
import { age, ageOf } from "./ages.ts";
import { styleOf } from "./paint.ts";
import type { Column } from "./table.ts";

/** Labels as people type them. */
export function showLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(
    ",",
  );
}

/** What an agent does with an event, where that says more than the state does; what it did in an earlier attempt does not. */
export function showPhase({ state, phase }: EventView): string {
  const waits = state !== "in_progress" && !isTerminal(state);
  return waits || phase === undefined || phase === state ? "" : phase;
}

/** The same, or that it is to be cancelled. */
function showStep(event: EventView): string {
  return event.cancel_requested_at !== undefined && !isTerminal(event.state)
    ? "cancelling"
    : showPhase(event);
}

/** Which attempt, and how long it is until the next one may begin. */
function showAttempt({ attempt, ready_at }: EventView, now: number): string {
  const at = ready_at === undefined ? undefined : parseTime(ready_at);
  return at === undefined || at <= now
    ? String(attempt)
    : `${attempt} (next in ${age(at - now)})`;
}

/** The columns of the list of events. */
export function eventColumns(
  now: () => number,
  wide: boolean,
): Column<EventView>[] {
  const columns: Column<EventView>[] = [
    { name: "ID", cell: ({ spec }) => spec.id, whole: true, later: 26 },
    { name: "TYPE", cell: ({ spec }) => spec.type, later: 12 },
    { name: "AGENT", cell: ({ spec }) => spec.target_agent, later: 12 },
    {
      name: "STATE",
      cell: ({ state }) => ({ text: state, style: styleOf(state) }),
      whole: true,
      later: "in_progress".length,
    },
    {
      name: "PHASE",
      cell: showStep,
      whole: true,
      later: "interrupted".length,
    },
    {
      name: "ATTEMPT",
      cell: (event) => showAttempt(event, now()),
      whole: true,
    },
    {
      name: "AGE",
      cell: ({ accepted_at }) => ageOf(accepted_at, now()),
      whole: true,
      later: "59m59s".length,
    },
  ];
  if (wide) {
    columns.push(
      { name: "PRIORITY", cell: ({ spec }) => String(spec.priority) },
      { name: "TTL", cell: ({ spec }) => formatDuration(spec.ttl) },
      { name: "CREATED BY", cell: ({ spec }) => spec.created_by },
      { name: "LABELS", cell: ({ spec }) => showLabels(spec.labels) },
    );
  }
  columns.push({ name: "MESSAGE", cell: ({ message }) => message });
  return columns;
}
