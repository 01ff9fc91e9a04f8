// deno-lint-ignore-file transporter/file-length -- whoever reads a capture finds every frame on one page
import type { ErrorBody } from "./error.ts";
import type { EventSpec, EventStatus, State } from "./event.ts";
import type { ExecutorInfo, OutputStream } from "./executor.ts";

/**
 * What one side of a link can do beyond the minimum of version 2, as it stands
 * in `features`; used only once both sides named it.
 *
 * - `ack`: the acknowledgements of this version, without which there is no version 2
 * - `parts`: messages in parts
 * - `resume`: `inventory` in the registration, and answers to `inventory_request`
 * - `credit`: the agent's `credit` is obeyed, and the control plane's `flow`
 * - `cancel`: the agent obeys `cancel`
 * - `drain`: the agent obeys `drain`
 * - `logs`: the control plane takes `log` frames
 * - `log_ack`: it answers them with `log_ack`, and tells those apart that come again
 * - `backlog`: the control plane answers `backlog_request`
 */
export type LinkFeature =
  | "ack"
  | "parts"
  | "resume"
  | "credit"
  | "cancel"
  | "drain"
  | "logs"
  | "log_ack"
  | "backlog";

/** What is open between an agent and its control plane, in one line; `inventoryDigest()` makes it and says what counts as open. */
export interface InventoryDigest {
  /** How many attempts are open. */
  readonly count: number;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly sha256: string;
}

/** What an agent remembers when it registers. */
export interface LinkResume {
  /** The stream that it has events of. */
  readonly epoch: string;
  /** The highest `seq` that need not be sent again. */
  readonly recv: number;
  /** The highest `seq` that ever came: one that the store has not given says that it was restored. */
  readonly seen?: number;
  /** What is open there; only with the feature `resume`. */
  readonly inventory?: InventoryDigest;
}

/** What version 2 adds to a registration; a v1 control plane ignores it. */
export interface LinkOffer {
  /** The versions the agent speaks, best first. */
  readonly versions: readonly number[];
  /** What it can do beyond the minimum: names of {@linkcode LinkFeature}, and of later versions. */
  readonly features: readonly string[];
  /** The id of this agent installation's journal; a new one means that the journal was lost. */
  readonly instance: string;
  /** What the agent remembers; absent from a new installation. */
  readonly resume?: LinkResume;
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
  /** The `seq` that the next new event gets; with the feature `credit`, whose limits count from it. */
  readonly next_seq?: number;
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
  /** Whether only events of this one's type have to wait so long; absent: all of this agent. */
  readonly type_only?: boolean;
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
  /** Over how many milliseconds agents spread their return when the control plane was away; absent where they are few. */
  readonly spread_ms?: number;
}

/** A → C, version 2: the agent takes events up to a number; a limit once given stays given. */
export interface CreditFrame {
  /** The discriminant. */
  readonly type: "credit";
  /** The highest `seq` that may be sent. */
  readonly limit_seq: number;
}

/** C → A, version 2: the control plane takes statuses up to a number; a limit once given stays given. */
export interface FlowFrame {
  /** The discriminant. */
  readonly type: "flow";
  /** The highest `sid` that may be sent; beyond it the agent leaves out progress reports. */
  readonly limit_sid: number;
}

/**
 * C → A, version 2: an event is not wanted any more. What waits is never
 * started, what runs is aborted, and the event's last status says what became
 * of it; an `error` frame with the code `unknown_event` says that the agent
 * does not have it. It never overtakes the event.
 */
export interface CancelFrame {
  /** The discriminant. */
  readonly type: "cancel";
  /** The event. */
  readonly event_id: string;
  /** Which attempt; absent: whichever the agent has. */
  readonly attempt?: number;
  /** Who or what asked for it, for people. */
  readonly reason: string;
}

/** C → A, version 2: the control plane is about to close, and the agent is to come back. */
export interface DrainFrame {
  /** The discriminant. */
  readonly type: "drain";
  /** For people. */
  readonly reason: string;
  /** When to come back, in milliseconds from now. */
  readonly reconnect_after_ms: number;
  /** Up to so many milliseconds later, so that not all come at once. */
  readonly jitter_ms: number;
}

/** C → A, version 2: something of the agent's has to be renewed: `cert`, `ca_bundle`, `policy`, `agent_version`. */
export interface RenewFrame {
  /** The discriminant. */
  readonly type: "renew";
  /** What. */
  readonly what: string;
}

/** A → C, version 2: a piece of what an event wrote; capped for each attempt. */
export interface LogFrame {
  /** The discriminant. */
  readonly type: "log";
  /** The event. */
  readonly event_id: string;
  /** Which attempt. */
  readonly attempt: number;
  /** Where it was written. */
  readonly stream: OutputStream;
  /** How many bytes of UTF-8 the attempt wrote to this stream before the piece, those that were left out among them. */
  readonly off: number;
  /** The piece. */
  readonly data: string;
  /** Whether something before the piece was left out. */
  readonly trunc?: boolean;
  /** Whether it was sent before, over a link that ended before the piece was known to be kept. */
  readonly again?: boolean;
}

/** C → A, version 2: the agent may forget output that it sent. Only with the feature `log_ack`. */
export interface LogAckFrame {
  /** The discriminant. */
  readonly type: "log_ack";
  /** So many `log` frames of this session, from its first on, are on disk, or left out for good. */
  readonly upto: number;
}

/** C → A, version 2: what do you remember? */
export interface InventoryRequestFrame {
  /** The discriminant. */
  readonly type: "inventory_request";
  /**
   * Leaves out attempts that ended before this time, RFC 3339, as far as the
   * agent's clock can be believed, and whose end has a `sid` up to the welcome's
   * `status_upto`; absent: leaves out nothing.
   */
  readonly since?: string;
}

/** What an agent remembers of one event. */
export interface InventoryItem {
  /** The event. */
  readonly event_id: string;
  /** The digest of its body, as `eventDigest()` makes it. */
  readonly digest: string;
  /** The last attempt that the agent knows. */
  readonly attempt: number;
  /** `assigned` before its start, then `in_progress`, then how it ended; an interrupted one stays `in_progress`. */
  readonly state: State;
  /** When the attempt ended, RFC 3339; an interrupted one has this. */
  readonly finished_at?: string;
  /** Why it did not succeed, when it did not. */
  readonly error?: ErrorBody;
}

/** A → C, version 2: a page of what the agent remembers. */
export interface InventoryFrame {
  /** The discriminant. */
  readonly type: "inventory";
  /** The items, by ascending id over all pages. */
  readonly items: readonly InventoryItem[];
  /** Whether another page follows. */
  readonly more: boolean;
}

/** A → C, version 2: does anything wait for this agent? Only with the feature `backlog`. */
export interface BacklogRequestFrame {
  /** The discriminant. */
  readonly type: "backlog_request";
}

/**
 * C → A, version 2: what waits for the agent, each question answered once and
 * in order. Nothing does when all that was released was sent and answered for,
 * and the queue was looked into after the question came.
 */
export interface BacklogFrame {
  /** The discriminant. */
  readonly type: "backlog";
  /** Whether something is on its way, or ready to be. */
  readonly waiting: boolean;
  /** Whether the agent is paused, so that nothing is released to it, whatever waits. */
  readonly paused?: boolean;
  /** When the first event that waits for its time is ready, RFC 3339. */
  readonly ready_at?: string;
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
  | CreditFrame
  | FlowFrame
  | CancelFrame
  | DrainFrame
  | RenewFrame
  | LogFrame
  | LogAckFrame
  | InventoryRequestFrame
  | InventoryFrame
  | BacklogRequestFrame
  | BacklogFrame
  | ErrorFrame
  | ByeFrame;

/** A frame of a type that this version does not know: ignored and counted, so that peers can be upgraded one at a time. */
export interface UnknownFrame {
  /** The discriminant. */
  readonly type: "unknown";
  /** The type it named. */
  readonly name: string;
}
