import type { AgentView, State } from "@transporter/sdk";
import { ageOf } from "./ages.ts";
import { showLabels } from "./event_columns.ts";
import { styleOf } from "./paint.ts";
import type { Column } from "./table.ts";

/** Whether an agent can be reached now, in a word. */
export function showConnection({ connected }: AgentView): string {
  return connected ? "connected" : "disconnected";
}

/** The same, and whether anything is released to it. */
export function showStatus(agent: AgentView): string {
  const connection = showConnection(agent);
  return agent.paused_at === undefined ? connection : `${connection}, paused`;
}

/** How many events of an agent have not ended, by state. */
export function showOpen(
  open: Readonly<Partial<Record<State, number>>>,
): string {
  const counts = Object.entries(open).filter(([, count]) => count > 0);
  return counts.map(([state, count]) => `${count} ${state}`).join(", ");
}

/** What an agent can run. */
function showExecutors({ executors, capabilities }: AgentView): string {
  return executors.length === 0
    ? capabilities.join(",")
    : executors.map(({ type }) => type).join(",");
}

/** The columns of the list of agents. */
export function agentColumns(
  now: () => number,
  wide: boolean,
): Column<AgentView>[] {
  const columns: Column<AgentView>[] = [
    { name: "ID", cell: ({ id }) => id, whole: true, later: 12 },
    {
      name: "STATUS",
      cell: (agent) => {
        const text = showStatus(agent);
        return { text, style: styleOf(showConnection(agent)) };
      },
      whole: true,
      later: "disconnected".length,
    },
    { name: "CLUSTER", cell: ({ cluster_name }) => cluster_name },
    { name: "VERSION", cell: ({ version }) => version },
    { name: "RUNS", cell: showExecutors },
    {
      name: "SEEN",
      cell: ({ seen_at }) => ageOf(seen_at, now()),
      whole: true,
    },
    { name: "OPEN EVENTS", cell: ({ open_events }) => showOpen(open_events) },
  ];
  if (wide) {
    columns.push(
      { name: "NAME", cell: ({ name }) => name },
      { name: "PROVIDER", cell: ({ cluster_provider }) => cluster_provider },
      { name: "REGION", cell: ({ region }) => region },
      { name: "NAMESPACE", cell: ({ namespace }) => namespace },
      { name: "LINK", cell: ({ link_version }) => `v${link_version}` },
      { name: "CARRIER", cell: ({ carrier = "" }) => carrier },
      { name: "REPLICA", cell: ({ replica = "" }) => replica },
      { name: "LABELS", cell: ({ labels }) => showLabels(labels) },
    );
  }
  return columns;
}
