import type { ErrorBody } from "./error.ts";
import type {
  EventHead,
  EventResult,
  EventSpec,
  EventStatus,
  Phase,
  ResourceStatus,
  State,
} from "./event.ts";
import type { ExecutorInfo } from "./executor.ts";
import type { ObjectProgress } from "./progress.ts";

/** How safe an accepted event is: synced to the disk, synced each second, or in memory as far as anybody knows. */
export type Durability = "fsync" | "everysec" | "memory";

/** The 202 of `POST /events` and `POST /v2/events`. */
export interface AcceptedBody {
  /** Always `accepted`. */
  readonly status: "accepted";
  /** The event's id. */
  readonly event_id: string;
  /** For people. */
  readonly message: string;
  /** Where the event was when it was first accepted. */
  readonly state: State;
  /** How safe the event is now. */
  readonly durability: Durability;
  /** Other stores that have it. */
  readonly replicated: number;
  /** False when no agent of that id was ever seen. */
  readonly agent_known: boolean;
  /** True when this id was accepted before with the same body. */
  readonly duplicate: boolean;
  /** Where to read more. */
  readonly links: {
    /** The event. */
    readonly self: string;
    /** What happened to it. */
    readonly history: string;
    /** Its changes as they happen. */
    readonly stream: string;
  };
}

/** The body of every error: RFC 9457, with a stable `code`. @see {@link https://www.rfc-editor.org/rfc/rfc9457} */
export interface ProblemBody extends ErrorBody {
  /** Names the kind of problem. */
  readonly type: string;
  /** The code in words. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** The message again, under the name the RFC gives it. */
  readonly detail: string;
  /** Names this one answer, so that it can be found in the log. */
  readonly instance?: string;
}

/** An event as `GET /v2/events/{id}` and the lists show it. */
export interface EventView {
  /** What was asked; lists leave out the payload. */
  readonly spec: EventHead & { readonly payload?: EventSpec["payload"] };
  /** Where it is in its life. */
  readonly state: State;
  /** What the agent does, or did last, with it. */
  readonly phase?: Phase;
  /** The last message. */
  readonly message: string;
  /** Which attempt; 0 before the first. */
  readonly attempt: number;
  /** Grows by one with every change. */
  readonly revision: number;
  /** When the control plane took responsibility, RFC 3339. */
  readonly accepted_at: string;
  /** When it expires, RFC 3339. */
  readonly deadline: string;
  /** When it last changed, RFC 3339. */
  readonly updated_at: string;
  /** When it ended, RFC 3339. */
  readonly finished_at?: string;
  /** While it is queued: when it may be released at the earliest, RFC 3339; absent means now. */
  readonly ready_at?: string;
  /** When somebody asked to cancel it, RFC 3339; it ends as soon as its agent says so. */
  readonly cancel_requested_at?: string;
  /** The digest of its body. */
  readonly digest: string;
  /** Whether its body was signed; always false until trust can be configured. */
  readonly signed: boolean;
  /** What it led to, once it ended. */
  readonly result?: EventResult;
  /** Why it failed. */
  readonly error?: ErrorBody;
}

/** One entry of an event's history. */
export interface HistoryEntry extends EventStatus {
  /** The event's revision with this entry. */
  readonly revision: number;
}

/** What an agent of version 2 said of itself with its last heartbeat; figures that it does not tell are absent. */
export interface AgentFigures {
  /** When it said so, RFC 3339. */
  readonly at: string;
  /** Events that run. */
  readonly running?: number;
  /** Events that it has and that wait for others. */
  readonly waiting?: number;
  /** Statuses that the control plane has not acknowledged. */
  readonly unacknowledged?: number;
  /** The size of its journal. */
  readonly journal_bytes?: number;
  /** By how much the control plane's clock is ahead of its own, in milliseconds. */
  readonly clock_offset_ms?: number;
  /** Whether it takes new events: not while its journal or its disk is full. */
  readonly taking?: boolean;
  /** Types of events that it does not take now, as it does not see where it would run them. */
  readonly types_not_taken?: readonly string[];
}

/** What carries the frames of an agent: `http` are long polls or server-sent events. */
export type Carrier = "websocket" | "http" | "nats";

/** An agent as `GET /v2/agents/{id}` and the list show it. */
export interface AgentView {
  /** Its id. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Whether a session is open now. */
  readonly connected: boolean;
  /** The name of the control plane that has the session, where several share the work. */
  readonly replica?: string;
  /** While it is connected: what carries its frames. */
  readonly carrier?: Carrier;
  /** The cluster it runs in. */
  readonly cluster_name: string;
  /** Such as `kind`, `eks`. */
  readonly cluster_provider: string;
  /** Where the cluster is. */
  readonly region: string;
  /** The namespace it runs in. */
  readonly namespace: string;
  /** The version of its program. */
  readonly version: string;
  /** The version of the link it speaks: 1 or 2. */
  readonly link_version: number;
  /** What it can run. */
  readonly executors: readonly ExecutorInfo[];
  /** What it can do, in v1's words. */
  readonly capabilities: readonly string[];
  /** For selecting agents. */
  readonly labels: Readonly<Record<string, string>>;
  /** Since when nothing is released to it, RFC 3339; absent while it is not paused. */
  readonly paused_at?: string;
  /** How many sessions it has opened. */
  readonly generation: number;
  /** Its last heartbeat, RFC 3339. */
  readonly seen_at: string;
  /** When it first registered, RFC 3339. */
  readonly created_at: string;
  /** Events that have not ended, by state. */
  readonly open_events: Readonly<Partial<Record<State, number>>>;
  /** While it is connected: what it says of itself. */
  readonly figures?: AgentFigures;
}

/** A piece of what an event put out. */
export interface LogEntry {
  /** Which attempt. */
  readonly attempt: number;
  /** Such as `stdout`. */
  readonly stream: string;
  /** Where it begins in the stream, in bytes. */
  readonly off: number;
  /** The text. */
  readonly data: string;
  /** Whether something is missing before it. */
  readonly truncated: boolean;
}

/** A page of what an event put out, in the order it came. */
export interface LogPage {
  /** The pieces. */
  readonly items: readonly LogEntry[];
  /** Give it back as `cursor` to read on: what there is more, or what comes later. */
  readonly next_cursor: string;
}

/** A page of a list. */
export interface Page<T> {
  /** Newest first. */
  readonly items: readonly T[];
  /** Give it back as `cursor` for the next page; absent on the last. */
  readonly next_cursor?: string;
}

/**
 * What became of the objects of an event, in the order of the event, or where
 * they are while it runs: `GET /v2/events/{id}/objects`.
 */
export interface ObjectPage extends Page<ResourceStatus | ObjectProgress> {
  /** How many objects there are; more than all pages have when the agent or the control plane cut the list. */
  readonly total: number;
  /** How many of them are in which status. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A change as `GET /v2/stream` sends it, as the data of a server-sent event named `status`. */
export interface StreamStatus extends HistoryEntry {
  /** The event's target agent. */
  readonly target_agent: string;
  /** The event's type. */
  readonly event_type: string;
}
