import type { EventSpec, EventStatus } from "./event.ts";
import type { ExecutorInfo } from "./executor.ts";

/** What version 2 adds to a registration; a v1 control plane ignores it. */
export interface LinkOffer {
  /** The versions the agent speaks, best first. */
  readonly versions: readonly number[];
  /** What it can do beyond the minimum. */
  readonly features: readonly string[];
  /** The id of this agent installation's journal; a new one means that the journal was lost. */
  readonly instance: string;
  /** What the agent remembers; absent from a new installation. */
  readonly resume?: { readonly epoch: string; readonly recv: number };
  /** How many events it takes at a time. */
  readonly window: number;
  /** The longest frame it takes, in bytes. */
  readonly max_frame: number;
  /** The time of day at the agent, RFC 3339. */
  readonly clock: string;
  /** What it can run. */
  readonly executors: readonly ExecutorInfo[];
}

/** A → C, the first frame; it has no `type` on the wire. */
export interface RegistrationFrame {
  /** Added by {@linkcode decode}, taken away by {@linkcode encode}. */
  readonly type: "registration";
  /** Who the agent says it is. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** The cluster it runs in. */
  readonly cluster_name: string;
  /** Such as `kind`, `eks`. */
  readonly cluster_provider?: string;
  /** Where the cluster is. */
  readonly region?: string;
  /** The version of the agent program. */
  readonly version: string;
  /** What it can do, in v1's words. */
  readonly capabilities: readonly string[];
  /** The host it runs on. */
  readonly hostname?: string;
  /** The namespace it runs in. */
  readonly namespace?: string;
  /** For selecting agents. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only from agents that speak version 2. */
  readonly link?: LinkOffer;
}

/** C → A, the answer to a registration; flat, all values strings, no `type` on the wire. */
export interface ReplyFrame {
  /** Added by {@linkcode decode}, taken away by {@linkcode encode}. */
  readonly type: "reply";
  /** `registered`, when it is. */
  readonly status?: string;
  /** For people. */
  readonly message?: string;
  /** Why not, when it is not. */
  readonly error?: string;
  /** `2` from a control plane that speaks version 2. */
  readonly link?: string;
  /** The session's id. */
  readonly session?: string;
}

/** C → A, version 2: what the two agreed on. */
export interface WelcomeFrame {
  /** The discriminant. */
  readonly type: "welcome";
  /** The version of the link. */
  readonly v: 2;
  /** The session's id. */
  readonly session: string;
  /** Grows with each session of this agent; what an older session still writes is refused. */
  readonly gen: number;
  /** Names the stream of events that `seq` counts. */
  readonly epoch: string;
  /** Whether the agent's memory fits the control plane's. */
  readonly resume: "resumed" | "fresh" | "reconcile";
  /** The lowest `seq` that is sent again or next. */
  readonly from_seq: number;
  /** Statuses up to this `sid` are durable at the control plane. */
  readonly status_upto: number;
  /** What both can do. */
  readonly features: readonly string[];
  /** Milliseconds between heartbeats. */
  readonly heartbeat_ms: number;
  /** Milliseconds without any frame after which either side closes. */
  readonly idle_ms: number;
  /** The longest frame the control plane takes, in bytes. */
  readonly max_frame: number;
  /** The time of day at the control plane, RFC 3339. */
  readonly server_time: string;
}

/** C → A: an event. */
export interface EventFrame {
  /** The discriminant. */
  readonly type: "event";
  /** Version 2: gap-free per agent and epoch. */
  readonly seq?: number;
  /** Version 2: which attempt this is, from 1. */
  readonly attempt?: number;
  /** Version 2: when it has to be over, RFC 3339, by the control plane's clock. */
  readonly deadline?: string;
  /** What is asked. */
  readonly event: EventSpec;
}

/** Either way, version 2: a slice of the JSON text of a message longer than a frame may be. */
export interface PartFrame {
  /** The discriminant. */
  readonly type: "part";
  /** The message that the slice belongs to; one at a time per direction. */
  readonly msg: string;
  /** Which slice, from 0. */
  readonly i: number;
  /** How many there are. */
  readonly n: number;
  /** The slice. */
  readonly text: string;
}

/** A → C, version 2: these events are in the agent's journal. */
export interface AckFrame {
  /** The discriminant. */
  readonly type: "ack";
  /** The stream that the numbers count. */
  readonly epoch: string;
  /** All that was sent on this link up to this `seq`. */
  readonly upto: number;
  /** Some beyond it. */
  readonly also?: readonly number[];
}

/** A → C, version 2: the agent does not take an event; final unless `retry_after_ms` is a number. */
export interface NackFrame {
  /** The discriminant. */
  readonly type: "nack";
  /** The event's number. */
  readonly seq: number;
  /** The event's id. */
  readonly event_id: string;
  /** A code of the SDK's table. */
  readonly code: string;
  /** For people. */
  readonly detail: string;
  /** When it may be sent again, in milliseconds from now. */
  readonly retry_after_ms?: number | null;
}

/** A → C: what happened to an event. */
export interface StatusUpdateFrame extends EventStatus {
  /** The discriminant. */
  readonly type: "status_update";
  /** Version 2: counts the agent's statuses; durable, never used twice. */
  readonly sid?: number;
}

/** C → A, version 2: these statuses are durable; the agent may forget them. */
export interface StatusAckFrame {
  /** The discriminant. */
  readonly type: "status_ack";
  /** All up to this `sid`. */
  readonly upto: number;
}

/** A → C: the agent lives. */
export interface HeartbeatFrame {
  /** The discriminant. */
  readonly type: "heartbeat";
  /** The time of day at the agent, RFC 3339. */
  readonly timestamp: string;
  /** Figures of the agent. */
  readonly metrics?: Readonly<Record<string, unknown>>;
  /** Version 2: the state of the link. */
  readonly link?: Readonly<Record<string, unknown>>;
}

/** C → A, version 2: the control plane lives. */
export interface HeartbeatAckFrame {
  /** The discriminant. */
  readonly type: "heartbeat_ack";
  /** The time of the heartbeat it answers. */
  readonly timestamp: string;
  /** The time of day at the control plane, RFC 3339. */
  readonly server_time: string;
}

/** Either way, version 2: something is wrong; the link goes on unless `fatal`. */
export interface ErrorFrame {
  /** The discriminant. */
  readonly type: "error";
  /** A code of the SDK's table. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** What it is about. */
  readonly ref?: Readonly<Record<string, unknown>>;
  /** Whether the sender closes the link next. */
  readonly fatal?: boolean;
}

/** Either way, version 2: the sender is about to close, on purpose. */
export interface ByeFrame {
  /** The discriminant. */
  readonly type: "bye";
  /** For people. */
  readonly reason: string;
}

/** Every frame there is. */
export type Frame =
  | RegistrationFrame
  | ReplyFrame
  | WelcomeFrame
  | EventFrame
  | PartFrame
  | AckFrame
  | NackFrame
  | StatusUpdateFrame
  | StatusAckFrame
  | HeartbeatFrame
  | HeartbeatAckFrame
  | ErrorFrame
  | ByeFrame;

/** A frame of a type that this version does not know: ignored and counted, so that peers can be upgraded one at a time. */
export interface UnknownFrame {
  /** The discriminant. */
  readonly type: "unknown";
  /** The type it named. */
  readonly name: string;
}
