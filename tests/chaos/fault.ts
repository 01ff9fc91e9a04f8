import type { TcpFault } from "../tcp_fault.ts";

/** What happens to a process. Each lasts for a while, and is over then. */
export type ProcessFault =
  /** SIGKILL, and nobody starts it until it is over. */
  | { readonly kind: "kill9" }
  /** SIGTERM, and nobody starts it again until it is over. */
  | { readonly kind: "term" }
  /** SIGSTOP, and SIGCONT when it is over. */
  | { readonly kind: "pause" }
  /** SIGKILL, and a start with few file descriptors, while many connections knock at a listener's door. */
  | { readonly kind: "few_files" }
  /** Its disk is full. */
  | { readonly kind: "disk_full" }
  /** SIGKILL, and its folder cannot be written to. */
  | { readonly kind: "read_only" }
  /** A Redis does nothing else (`DEBUG SLEEP`). */
  | { readonly kind: "sleep" }
  /** The clock of an agent is set, while it runs. */
  | { readonly kind: "clock"; readonly offsetMs: number };

/** The name of a fault of a process. */
export type ProcessFaultKind = ProcessFault["kind"];

/** A fault that is going to happen. */
export interface PlannedFault {
  /** When it begins, in milliseconds since the start of the run. */
  readonly atMs: number;
  /** How long it lasts, in milliseconds. */
  readonly ms: number;
  /** What it happens to: the name of a process or of a link. */
  readonly target: string;
  /** What happens. */
  readonly fault: ProcessFault | TcpFault;
}
