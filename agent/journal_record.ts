import type { EventStatus } from "@transporter/sdk";

/** What the agent knows of itself and of its stream of events. */
export interface JournalMeta {
  /** The id of this journal, made with it: a new one says that an older journal was lost. */
  readonly instance: string;
  /** Whose journal it is. */
  readonly agent: string;
  /** Where its work is done, by type of event; a program that does not know this keeps it as it is. */
  readonly places?: Readonly<Record<string, string>>;
  /** The stream that the last event came from. */
  readonly epoch?: string;
  /** The highest number that arrived in that stream. */
  readonly seq?: number;
  /** The highest number that a status was given. */
  readonly sid?: number;
}

/** An event that arrived. */
export interface JournalArrival {
  /** The event. */
  readonly id: string;
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** The digest of its body. */
  readonly digest: string;
  /** When it has to be over, in milliseconds since 1970 by the control plane's clock. */
  readonly deadline: number;
  /** The stream it came from; absent from a v1 control plane. */
  readonly epoch?: string;
  /** Its number in the stream; absent from a v1 control plane. */
  readonly seq?: number;
  /** The type whose executor is told when the control plane has its end; absent: none is. */
  readonly tells?: string;
}

/** Work that was applied and of which only the wait is left. */
export interface JournalApplied {
  /** What it led to. */
  readonly result: unknown;
  /** How often the agent ended without leaving it for the next start, while it was waited for. */
  readonly ends: number;
}

/** What is written down, one step in the life of an attempt each. Applying one twice changes nothing. */
export type JournalRecord =
  | { readonly meta: JournalMeta }
  /** It arrived; from here on it may be acknowledged. */
  | { readonly in: JournalArrival }
  /** It is about to be started; or, with `applied`, it was applied and waits. A program that does not know that sees a start again. */
  | {
    readonly try: {
      readonly id: string;
      readonly attempt: number;
      readonly applied?: JournalApplied;
    };
  }
  /** It ended; `sid` is the number of its last status, 0 while there are no numbers. */
  | {
    readonly fin: {
      readonly id: string;
      readonly attempt: number;
      readonly sid: number;
      readonly status: EventStatus;
    };
  }
  /** Its last status is told, or told again, under another number. */
  | {
    readonly num: {
      readonly id: string;
      readonly attempt: number;
      readonly sid: number;
    };
  }
  /**
   * The control plane has every status up to this one; with `told`, the executor
   * knows that it has the end of this attempt. A program that does not know that
   * leaves it out, after which the executor is told again.
   */
  | {
    readonly sent: {
      readonly upto: number;
      readonly told?: { readonly id: string; readonly attempt: number };
    };
  };

/** What is known of an event: its highest attempt, and how far that got. */
export interface JournalEntry extends JournalArrival {
  /** How far the attempt got. */
  readonly stage: "received" | "begun" | "finished";
  /** What it led to when it was applied and waits to be verified; only while it is begun. */
  readonly applied?: JournalApplied;
  /** The number of its last status; 0 while it has none. */
  readonly sid: number;
  /** Its last status, once it is finished; without result and details once the control plane has them. */
  readonly status?: EventStatus;
  /** Whether the control plane has its last status. */
  readonly acknowledged: boolean;
  /** Whether its executor was told of that. */
  readonly told?: boolean;
}
