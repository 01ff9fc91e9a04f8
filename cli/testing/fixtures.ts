import type {
  AcceptedBody,
  AgentView,
  EventView,
  HistoryEntry,
  StreamStatus,
} from "@transporter/sdk";

/** An id as the control plane makes it. */
export const ID = "01KARQ0Q3TZT3K8QX9M2N5P7R1";

/** The 202 of an event. */
export function accepted(more: Partial<AcceptedBody> = {}): AcceptedBody {
  const { event_id: id = ID } = more;
  return {
    status: "accepted",
    event_id: id,
    message: 'Event accepted for agent "edge-7"',
    state: "queued",
    durability: "fsync",
    replicated: 0,
    agent_known: true,
    duplicate: false,
    links: {
      self: `/v2/events/${id}`,
      history: `/v2/events/${id}/history`,
      stream: `/v2/stream?event=${id}`,
    },
    ...more,
  };
}

/** An event that is over, as it should be. */
export function completed(more: Partial<EventView> = {}): EventView {
  return {
    spec: {
      id: ID,
      type: "k8s_resource",
      target_agent: "edge-7",
      created_at: "2026-11-23T05:04:27.000Z",
      created_by: "anna",
      ttl: 86_400e9,
      priority: 0,
      labels: { team: "platform" },
    },
    state: "completed",
    phase: "completed",
    message: "Event completed",
    attempt: 1,
    revision: 5,
    accepted_at: "2026-11-23T05:04:27.100Z",
    deadline: "2026-11-24T05:04:27.100Z",
    updated_at: "2026-11-23T05:04:28.350Z",
    finished_at: "2026-11-23T05:04:28.350Z",
    digest: `sha256:${"0".repeat(64)}`,
    signed: false,
    result: {
      success: true,
      completed_at: "2026-11-23T05:04:28.345Z",
      duration: 1_234_567_890,
      resource_status: [
        {
          kind: "Namespace",
          name: "shop",
          namespace: "",
          api_version: "v1",
          status: "created",
          message: "",
        },
        {
          kind: "Deployment",
          name: "web",
          namespace: "shop",
          api_version: "apps/v1",
          status: "configured",
          message: "",
        },
      ],
    },
    ...more,
  };
}

/** What happens to an event that goes well; revisions and times count up. */
export function history(
  last: Partial<HistoryEntry> = {},
): readonly HistoryEntry[] {
  const common = { event_id: ID, log_level: "info", details: null };
  const at = (ms: number) => `2026-11-23T05:04:27.${ms}Z`;
  return [
    {
      ...common,
      agent_id: "",
      state: "queued",
      message: "Event accepted",
      revision: 1,
      timestamp: at(100),
    },
    {
      ...common,
      agent_id: "",
      state: "assigned",
      message: "Event released",
      revision: 2,
      timestamp: at(110),
      attempt: 1,
    },
    {
      ...common,
      agent_id: "edge-7",
      state: "in_progress",
      phase: "applying",
      message: "Applying",
      revision: 3,
      timestamp: at(150),
      attempt: 1,
    },
    {
      ...common,
      agent_id: "edge-7",
      state: "completed",
      phase: "completed",
      message: "Event completed",
      revision: 5,
      timestamp: "2026-11-23T05:04:28.350Z",
      attempt: 1,
      ...last,
    },
  ];
}

/** A history entry as the stream sends it. */
export function status(entry: HistoryEntry): StreamStatus {
  return { ...entry, target_agent: "edge-7", event_type: "k8s_resource" };
}

/** An agent that is there. */
export function agent(more: Partial<AgentView> = {}): AgentView {
  return {
    id: "edge-7",
    name: "Edge 7",
    connected: true,
    ...(more.connected === false ? {} : { carrier: "websocket" }),
    cluster_name: "shop-eu",
    cluster_provider: "kind",
    region: "eu-west",
    namespace: "transporter",
    version: "0.1.0",
    link_version: 2,
    executors: [{ type: "k8s_resource", version: "0.1.0" }],
    capabilities: [],
    labels: { tier: "edge" },
    generation: 3,
    seen_at: "2026-11-23T05:09:58.000Z",
    created_at: "2026-11-20T05:00:00.000Z",
    open_events: { queued: 2, in_progress: 1 },
    ...more,
  };
}
