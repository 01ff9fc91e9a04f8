import type { EventSpec, EventStatus } from "@transporter/sdk";
import type { EventRecord } from "../store/store.ts";

/** The time of day in tests of the rules of life, in milliseconds since 1970. */
export const NOW = 1_000_000;

/** The deadline of events in those tests. */
export const DEADLINE = NOW + 3600_000;

/** What is asked, in those tests. */
export const SPEC: EventSpec = {
  id: "e1",
  type: "k8s_resource",
  target_agent: "edge-1",
  payload: {},
  created_at: "2026-11-23T05:04:27Z",
  created_by: "",
  ttl: 3600e9,
  priority: 0,
  labels: {},
};

/** A record of an event that an agent works on, with some fields that differ. */
export function record(
  { spec = {}, ...fields }: Partial<Omit<EventRecord, "spec">> & {
    readonly spec?: Partial<EventRecord["spec"]>;
  } = {},
): EventRecord {
  const { payload: _, ...head } = SPEC;
  return {
    tenant: "default",
    spec: { ...head, ...spec },
    digest: "sha256:0",
    bytes: 100,
    enq: 1,
    revision: 5,
    state: "in_progress",
    message: "last",
    attempt: 1,
    notes: {},
    acceptedAt: 0,
    deadline: DEADLINE,
    dueAt: DEADLINE,
    updatedAt: 0,
    seq: 7,
    ...fields,
  };
}

/** A status of an agent about it, with some fields that differ. */
export function status(fields: Partial<EventStatus> = {}): EventStatus {
  return {
    event_id: "e1",
    agent_id: "edge-1",
    state: "in_progress",
    message: "next",
    timestamp: "2026-11-23T05:04:27Z",
    attempt: 1,
    ...fields,
  };
}
