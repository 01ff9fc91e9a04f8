import type { AgentView, EventView } from "@transporter/sdk";
import { moment } from "./ages.ts";
import { showConnection, showOpen, showStatus } from "./agent_columns.ts";
import type { DescribeOptions } from "./describe_event.ts";
import { eventColumns, showLabels } from "./event_columns.ts";
import { type Field, fields, section } from "./fields.ts";
import { styleOf } from "./paint.ts";
import { Table } from "./table.ts";
import { showBytes } from "./text.ts";

/** What an agent's description is made from. */
export interface AgentDescription {
  /** The agent. */
  readonly agent: AgentView;
  /** Its newest events, the newest first. */
  readonly events: readonly EventView[];
}

/** What the agent says of itself. */
function showFigures(figures: AgentView["figures"]): Field[] {
  if (figures === undefined) return [];
  const {
    running,
    waiting,
    unacknowledged,
    journal_bytes: journal,
    clock_offset_ms: offset,
    taking = true,
    types_not_taken: blind = [],
  } = figures;
  const shown = (value: number | undefined) =>
    value === undefined ? "" : String(value);
  return [
    ["Running", shown(running)],
    ["Waiting there", shown(waiting)],
    ["Unacknowledged", shown(unacknowledged)],
    ["Journal", journal === undefined ? "" : showBytes(journal)],
    ["Clock offset", offset === undefined ? "" : `${offset} ms`],
    ["New events", {
      text: taking
        ? blind.length === 0
          ? ""
          : `${blind.join(", ")} not taken: it does not see its cluster`
        : "not taken: its journal or its disk is full",
      style: "bad",
    }],
  ];
}

function showCarrier({ carrier }: AgentView): string {
  return carrier === undefined ? "" : ` over ${carrier}`;
}

function head(agent: AgentView, now: number): Field[] {
  return [
    ["ID", agent.id],
    ["Name", agent.name],
    ["Status", {
      text: showStatus(agent),
      style: styleOf(showConnection(agent)),
    }],
    ["Paused since", moment(agent.paused_at, now)],
    ["Seen", moment(agent.seen_at, now)],
    ["Known since", moment(agent.created_at, now)],
    ["Cluster", agent.cluster_name],
    ["Provider", agent.cluster_provider],
    ["Region", agent.region],
    ["Namespace", agent.namespace],
    ["Labels", showLabels(agent.labels)],
    ["Version", agent.version],
    ["Link", `v${agent.link_version}${showCarrier(agent)}`],
    ["Connected to", agent.replica ?? ""],
    ["Sessions", String(agent.generation)],
    [
      "Executors",
      agent.executors.map(({ type, version }) => `${type} ${version}`).join(
        ", ",
      ),
    ],
    ["Capabilities", agent.capabilities.join(", ")],
    ["Open events", showOpen(agent.open_events) || "none"],
    ...showFigures(agent.figures),
  ];
}

/** Everything about an agent, for people. */
export function describeAgent(
  { agent, events }: AgentDescription,
  options: DescribeOptions,
): string {
  const { now, paint } = options;
  const columns = eventColumns(() => now, false)
    .filter(({ name }) => name !== "AGENT");
  return fields(head(agent, now), paint) +
    (events.length === 0
      ? ""
      : section("Newest events", new Table(columns, options).head(events)));
}
