/**
 * A history: what an observer outside of the system saw, one JSON object a
 * line. The simulator and the chaos run write one, and the same checkers judge
 * it. Nothing in it comes from inside the control plane or an agent: only calls
 * of producers and operators with their answers, starts and ends that an
 * executor wrote down, and what readers were told.
 *
 * Times are milliseconds on one clock, the observer's. Calls have two: `at`,
 * when it was made, and `end`, when it was answered; it took effect, if it did,
 * somewhere in between.
 *
 * @module
 */
import type { Phase, State } from "@transporter/sdk";

/** What every entry has. */
interface Moment {
  /** When it happened; of a call, when it was made. */
  readonly at: number;
}

/** What every call has. */
interface Call extends Moment {
  /** When it was answered, or given up. */
  readonly end: number;
}

/** A producer's call, once it is answered or given up; the same event may have several. */
export interface Submit extends Call {
  /** The discriminant. */
  readonly kind: "submit";
  /** The event's id. */
  readonly event: string;
  /** The event's target. */
  readonly agent: string;
  /**
   * `ok`: answered 202. `fail`: refused for good, so that no such event may be
   * seen because of this call. `unknown`: anything else (503, timeout, a broken
   * connection).
   */
  readonly outcome: "ok" | "fail" | "unknown";
  /** 0 to 9. */
  readonly priority: number;
  /** How long it may take until its start, in milliseconds. */
  readonly ttlMs: number;
  /** Whether it may be started again when nobody knows how far it came. */
  readonly repeatable: boolean;
  /** Events of one agent with a common key are started in order; absent: none. */
  readonly key?: string;
  /** How often its policy lets it start, until an operator asks for more; absent: not judged. */
  readonly startsMax?: number;
  /** When it may start at the earliest; absent: at once. */
  readonly notBefore?: number;
  /** The event whose place it takes. */
  readonly supersedes?: string;
}

/** A call of an operator, once it is answered or given up. */
export interface Operate extends Call {
  /** The discriminant. */
  readonly kind: "operate";
  /** What was asked for. */
  readonly op: "cancel" | "retry" | "pause" | "resume" | "delete";
  /** The event, of `cancel` and `retry`. */
  readonly event?: string;
  /** The agent, of `pause`, `resume` and `delete`. */
  readonly agent?: string;
  /** How many attempts there were, by the answer to `cancel`. */
  readonly attempt?: number;
  /** As of a submission. */
  readonly outcome: "ok" | "fail" | "unknown";
}

/** What a run is held to, besides what its agents say. */
export interface Limits extends Moment {
  /** The discriminant. */
  readonly kind: "limits";
  /** Bytes of events that an agent may have at a time; one alone may have more. */
  readonly windowBytes: number;
}

/** A process of an agent began. */
export interface Boot extends Moment {
  /** The discriminant. */
  readonly kind: "boot";
  /** The process, as its starts name it. */
  readonly process: string;
  /** How many attempts it may run at the same time. */
  readonly concurrency: number;
  /** How many events it takes before earlier ones are over; absent: not judged. */
  readonly window?: number;
  /** The version of the link that it speaks; absent: 2. */
  readonly link?: 1 | 2;
}

/** An executor began an attempt; written before it does anything. */
export interface Start extends Moment {
  /** The discriminant. */
  readonly kind: "start";
  /** Whose executor it is. */
  readonly agent: string;
  /** The event's id. */
  readonly event: string;
  /** Which attempt, from 1. */
  readonly attempt: number;
  /** The agent's process, of which an agent has one after the other. */
  readonly process: string;
}

/** An executor came to the end of an attempt; absent when its process died first. */
export interface End extends Moment {
  /** The discriminant. */
  readonly kind: "end";
  /** Whose executor it is. */
  readonly agent: string;
  /** The event's id. */
  readonly event: string;
  /** Which attempt, from 1. */
  readonly attempt: number;
  /** Whether it did what was asked. */
  readonly outcome: "done" | "failed";
}

/** An executor put something out. */
export interface Output extends Moment {
  /** The discriminant. */
  readonly kind: "output";
  /** The event's id. */
  readonly event: string;
  /** Which attempt, from 1. */
  readonly attempt: number;
  /** What goes after all that this attempt put out before. */
  readonly text: string;
}

/** A process of an agent ended: killed, or by itself. */
export interface Exit extends Moment {
  /** The discriminant. */
  readonly kind: "exit";
  /** The process, as its starts name it. */
  readonly process: string;
}

/** A program ended by itself although nothing was done to it that could not be survived. */
export interface Crash extends Moment {
  /** The discriminant. */
  readonly kind: "crash";
  /** The process. */
  readonly process: string;
  /** What it said last. */
  readonly reason: string;
}

/** A reader asked for an event and was answered. */
export interface Read extends Call {
  /** The discriminant. */
  readonly kind: "read";
  /** The event's id. */
  readonly event: string;
  /** What it was told; `absent`: that there is no such event. */
  readonly state: State | "absent";
  /** The phase, if it was told one. */
  readonly phase?: Phase;
  /** Attempts so far. */
  readonly attempt: number;
  /** Changes so far; 0 of an absent one. */
  readonly revision: number;
}

/** A reader asked what happened to an event, and was answered. */
export interface HistoryRead extends Call {
  /** The discriminant. */
  readonly kind: "history";
  /** The event's id. */
  readonly event: string;
  /** What happened, oldest first. */
  readonly entries: readonly {
    /** Which change, from 1. */
    readonly revision: number;
    /** The state after it. */
    readonly state: State;
    /** The phase after it, if there was one. */
    readonly phase?: Phase;
  }[];
}

/** A reader asked what an event put out, and was answered. */
export interface Logs extends Call {
  /** The discriminant. */
  readonly kind: "logs";
  /** The event's id. */
  readonly event: string;
  /** What was answered, in its order. */
  readonly pieces: readonly {
    /** Which attempt, from 1. */
    readonly attempt: number;
    /** Bytes that the attempt put out before. */
    readonly off: number;
    /** What it put out there. */
    readonly text: string;
  }[];
}

/** A reader asked for the events in one state, and was answered. */
export interface List extends Call {
  /** The discriminant. */
  readonly kind: "list";
  /** The state that was asked for. */
  readonly state: State;
  /** What was answered: ids, and the state that each is said to be in. */
  readonly events: readonly { readonly event: string; readonly state: State }[];
}

/** A session of an agent, as it can be seen on its connection. */
export interface Session extends Moment {
  /** The discriminant. */
  readonly kind: "session";
  /** The agent. */
  readonly agent: string;
  /** The generation that the welcome named; 0 of a registration. */
  readonly gen: number;
  /**
   * `register`: a registration reached the control plane. `begin`: it sent the
   * welcome. `event`: it sent an event. `over`: it took the agent's last word on
   * an attempt. `end`: the session is over.
   */
  readonly what: "register" | "begin" | "event" | "over" | "end";
  /** The agent's process at the far end. */
  readonly process?: string;
  /** The control plane at the near end, where there may be several. */
  readonly replica?: string;
  /** Who ended it: whoever said goodbye, or closed the connection. */
  readonly by?: "control-plane" | "agent" | "network";
  /** The code it was closed with; absent for a close without a reason. */
  readonly reason?: string;
  /** The event that was sent, or is over. */
  readonly event?: string;
  /** Which attempt was sent, or is over; absent where the frame does not say. */
  readonly attempt?: number;
  /** Its number in the agent's stream; of `begin`, the number that the next new one gets. */
  readonly seq?: number;
  /** The size of the event that was sent, in bytes. */
  readonly bytes?: number;
}

/** Something was done to the system; for people, and for what may be expected of it. */
export interface Fault extends Moment {
  /** The discriminant. */
  readonly kind: "fault";
  /** Such as `kill9`, `power`, `cut`, `partition`, `pause`, `store-down`. */
  readonly what: string;
  /** What it was done to. */
  readonly target: string;
}

/** An older copy of the control plane's store was put back: whatever is newer than it is forgotten. */
export interface Restore extends Moment {
  /** The discriminant. */
  readonly kind: "restore";
  /** When the copy was made. */
  readonly copiedAt: number;
}

/** A control plane said which events its agents remember and its store does not know of. */
export interface Gap extends Moment {
  /** The discriminant. */
  readonly kind: "gap";
  /** Their ids. */
  readonly events: readonly string[];
}

/** A broker has taken an event, for the control plane to fetch. */
export interface Handed extends Moment {
  /** The discriminant. */
  readonly kind: "handed";
  /** Its id. */
  readonly event: string;
}

/** Somebody who wants to know results was told one. */
export interface Told extends Moment {
  /** The discriminant. */
  readonly kind: "told";
  /** The event's id. */
  readonly event: string;
  /** How it ended. */
  readonly state: string;
}

/** Faults are over. */
export interface Mark extends Moment {
  /** The discriminant. */
  readonly kind: "mark";
  /**
   * `healed`: the last fault is repaired. `calm`: everything is as if there had
   * never been one, so that what is submitted now starts at once. `settled`:
   * everything had its time, and has to have ended.
   */
  readonly what: "healed" | "calm" | "settled";
}

/** One line of a history. */
export type Entry =
  | Submit
  | Operate
  | Limits
  | Boot
  | Start
  | End
  | Output
  | Exit
  | Crash
  | Read
  | HistoryRead
  | Logs
  | List
  | Session
  | Fault
  | Restore
  | Gap
  | Handed
  | Told
  | Mark;

type Kinds = { readonly [K in Entry["kind"]]?: Extract<Entry, { kind: K }>[] };

/** What was sorted by kind, and how long it was then: a dozen checkers ask. */
const sorted = new WeakMap<
  readonly Entry[],
  { readonly length: number; readonly kinds: Kinds }
>();

/** The entries of one kind. */
export function ofKind<K extends Entry["kind"]>(
  history: readonly Entry[],
  kind: K,
): Extract<Entry, { kind: K }>[] {
  let { length, kinds } = sorted.get(history) ?? { length: -1, kinds: {} };
  if (length !== history.length) {
    length = history.length;
    kinds = Object.groupBy(history, ({ kind }) => kind) as Kinds;
    sorted.set(history, { length, kinds });
  }
  return [...kinds[kind] ?? []];
}

/** Puts entries that have something in common together, in the order of their times. */
export function groupBy<T extends Moment>(
  entries: Iterable<T>,
  nameOf: (entry: T) => string,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of [...entries].sort((a, b) => a.at - b.at)) {
    const name = nameOf(entry);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [entry]);
    else group.push(entry);
  }
  return groups;
}
