import { ok } from "node:assert/strict";
import type {
  EventSpec,
  EventStatus,
  RegistrationFrame,
  State,
} from "@transporter/sdk";
import type {
  EventChange,
  EventRecord,
  NewEvent,
  NewSession,
  Release,
  Store,
} from "../store.ts";

/** A store of one test, with nothing in it at first. */
export interface OpenedStore extends AsyncDisposable {
  /** The store. */
  readonly store: Store;
  /** Closes the store and opens it again as after a restart; what nothing survives may be left open. */
  reopen(): Promise<Store>;
}

/** What {@linkcode testStore} needs from a store. */
export interface StoreHarness {
  /** Opens an empty store; called once per test, which disposes it. */
  open(): Promise<OpenedStore>;
}

/** What a store must do, by name. */
export type StoreCases = Readonly<
  Record<string, (opened: OpenedStore) => Promise<void>>
>;

/** The tenant of the samples. */
export const T = "default";

/** When the samples begin, in milliseconds since 1970. */
export const AT = 1_795_000_000_000;

/** A status of an event. */
export function status(
  id: string,
  state: State,
  rest: Partial<EventStatus> = {},
): EventStatus {
  return {
    event_id: id,
    agent_id: "",
    state,
    message: `Now ${state}`,
    timestamp: new Date(AT).toISOString(),
    ...rest,
  };
}

/** A queued event; what is not said is the same for all. */
export function event(
  id: string,
  { spec, ...rest }: Partial<Omit<NewEvent, "spec">> & {
    readonly spec?: Partial<EventSpec>;
  } = {},
): NewEvent {
  return {
    spec: {
      id,
      type: "k8s_resource",
      target_agent: "edge-1",
      payload: { manifests: ["kind: Namespace"] },
      created_at: "2026-11-18T08:26:40Z",
      created_by: "suite",
      ttl: 3600e9,
      priority: 0,
      labels: {},
      ...spec,
    },
    digest: `sha256:${id}`,
    acceptedAt: AT,
    deadline: AT + 3_600_000,
    dueAt: rest.dueAt ?? rest.deadline ?? AT + 3_600_000,
    status: status(id, "queued"),
    ...rest,
  };
}

/** Stores an event; returns its record, or the one that has its id or key. */
export async function added(
  into: Store,
  tenant: string,
  event: NewEvent,
): Promise<EventRecord> {
  const { record } = await into.createEvent(tenant, event);
  ok(record, "the event is kept");
  return record;
}

/** A change to a state, as `decide` returns it. */
export function to(
  state: State,
  rest: Partial<EventStatus> = {},
  change: Partial<EventChange> = {},
): (record: EventRecord) => EventChange {
  return (record) => ({
    status: status(record.spec.id, state, rest),
    ...change,
  });
}

/** A registration. */
export function registration(
  id: string,
  rest: Partial<RegistrationFrame> = {},
): RegistrationFrame {
  return {
    type: "registration",
    id,
    name: id,
    cluster_name: "cluster",
    version: "0.1.0",
    capabilities: ["k8s_crud"],
    ...rest,
  };
}

/** A session of an agent. */
export function session(
  id: string,
  rest: Partial<NewSession> = {},
): NewSession {
  return {
    registration: registration(id),
    linkVersion: 2,
    executors: [{ type: "k8s_resource", version: "0.1.0" }],
    newEpoch: `epoch of ${id}`,
    at: AT,
    ...rest,
  };
}

/** A release of all there is. */
export function release(gen: number, rest: Partial<Release> = {}): Release {
  return {
    agent: "edge-1",
    gen,
    eventsMax: 100,
    bytesMax: 1e9,
    at: AT,
    decide: to("assigned"),
    ...rest,
  };
}

/** The ids of records, in their order. */
export function idsOf(
  records: readonly (EventRecord | { readonly record: EventRecord })[],
): string[] {
  return records.map((item) =>
    "record" in item ? item.record.spec.id : item.spec.id
  );
}
