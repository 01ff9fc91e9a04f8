import { type EventView, formatDuration } from "@transporter/sdk";
import { ageOf } from "./ages.ts";
import { styleOf } from "./paint.ts";
import type { Column } from "./table.ts";

/** Labels as people type them. */
export function showLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(
    ",",
  );
}

/** What an agent does with an event, where that says more than the state does. */
export function showPhase({ state, phase }: EventView): string {
  return phase === undefined || phase === state ? "" : phase;
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
      cell: showPhase,
      whole: true,
      later: "interrupted".length,
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
      { name: "ATTEMPT", cell: ({ attempt }) => String(attempt) },
      { name: "PRIORITY", cell: ({ spec }) => String(spec.priority) },
      { name: "TTL", cell: ({ spec }) => formatDuration(spec.ttl) },
      { name: "CREATED BY", cell: ({ spec }) => spec.created_by },
      { name: "LABELS", cell: ({ spec }) => showLabels(spec.labels) },
    );
  }
  columns.push({ name: "MESSAGE", cell: ({ message }) => message });
  return columns;
}
