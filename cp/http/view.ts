import {
  type AcceptedBody,
  type AgentView,
  type EventSpec,
  type EventView,
  formatTime,
  type State,
  type StreamStatus,
} from "@transporter/sdk";
import type { Acceptance } from "../intake.ts";
import type { Whereabouts } from "../peers/whereabouts.ts";
import type {
  AgentRecord,
  Change,
  EventRecord,
  Store,
} from "../store/store.ts";

/** An event as the API shows it; with its payload where that is at hand. */
export function eventView(
  record: EventRecord,
  payload?: EventSpec["payload"],
): EventView {
  return {
    spec: payload === undefined ? record.spec : { ...record.spec, payload },
    state: record.state,
    ...(record.phase === undefined ? {} : { phase: record.phase }),
    message: record.message,
    attempt: record.attempt,
    revision: record.revision,
    accepted_at: formatTime(record.acceptedAt),
    deadline: formatTime(record.deadline),
    updated_at: formatTime(record.updatedAt),
    ...(record.finishedAt === undefined
      ? {}
      : { finished_at: formatTime(record.finishedAt) }),
    ...(record.state === "queued" && record.readyAt !== undefined
      ? { ready_at: formatTime(record.readyAt) }
      : {}),
    ...(record.notes.cancel === undefined
      ? {}
      : { cancel_requested_at: formatTime(record.notes.cancel.at) }),
    digest: record.digest,
    signed: false,
    ...(record.result === undefined ? {} : { result: record.result }),
    ...(record.error === undefined ? {} : { error: record.error }),
  };
}

/** What an agent's record does not say. */
export interface AgentNow {
  /** Where a session is open; `undefined` where none is. */
  readonly connected: Whereabouts | undefined;
  /** Its events that have not ended, by state. */
  readonly open: Partial<Record<State, number>>;
}

/** An agent as the API shows it. */
export function agentView(
  record: AgentRecord,
  { connected, open }: AgentNow,
): AgentView {
  const { registration } = record;
  const { replica, carrier, figures } = connected ?? {};
  return {
    id: record.id,
    name: registration.name,
    connected: connected !== undefined,
    ...(replica === undefined ? {} : { replica }),
    ...(carrier === undefined ? {} : { carrier }),
    cluster_name: registration.cluster_name,
    cluster_provider: registration.cluster_provider ?? "",
    region: registration.region ?? "",
    namespace: registration.namespace ?? "",
    version: registration.version,
    link_version: record.linkVersion,
    executors: record.executors,
    capabilities: registration.capabilities,
    labels: registration.labels ?? {},
    ...(record.pausedAt === undefined
      ? {}
      : { paused_at: formatTime(record.pausedAt) }),
    generation: record.gen,
    seen_at: formatTime(record.seenAt),
    created_at: formatTime(record.createdAt),
    open_events: open,
    ...(figures === undefined ? {} : { figures }),
  };
}

/** A change as the stream sends it. */
export function streamStatus(
  { agent, type, entry }: Omit<Change, "change" | "tenant">,
): StreamStatus {
  return { ...entry, target_agent: agent, event_type: type };
}

/** The path of an event. */
function eventPath(id: string): string {
  return `/v2/events/${encodeURIComponent(id)}`;
}

/** The answer to a submission: the same each time it is repeated, but for `duplicate`. */
export async function acceptedBody(
  acceptance: Acceptance,
  store: Pick<Store, "durability" | "replicated" | "listHistory">,
): Promise<AcceptedBody> {
  const { id, agent, state, record, duplicate, agentKnown } = acceptance;
  const [first] = duplicate && record !== undefined
    ? await store.listHistory(record.tenant, id)
    : [record];
  return {
    status: "accepted",
    event_id: id,
    message: agentKnown
      ? `Event accepted for agent "${agent}"`
      : `Event accepted for agent "${agent}", which was never seen`,
    state: first?.state ?? state,
    durability: store.durability,
    replicated: store.replicated,
    agent_known: agentKnown,
    duplicate,
    links: {
      self: eventPath(id),
      history: `${eventPath(id)}/history`,
      stream: `/v2/stream?event=${encodeURIComponent(id)}`,
    },
  };
}
