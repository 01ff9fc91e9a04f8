import type { Entry } from "./entry.ts";

/**
 * What went wrong, in Jepsen's words where it has one.
 *
 * - `lost`: accepted, and it never ended, or nobody knows it any more
 * - `duplicated`: started twice
 * - `unexpected`: refused and yet there; reported as done and never done
 * - `undone`: something that was seen is not so any more
 * - `disordered`: started before an event that had to go first
 * - `late`: started after its deadline
 * - `early`: started before the time that it was not to start before
 * - `torn`: a session that was current was ended, or one that was not went on
 * - `flooded`: more was running, or was sent, at the same time than may
 * - `hung`: nobody answers, or nothing happens, long after all is well again
 * - `unreported`: an older store is in the place of a newer one, and what it does not know of is kept quiet
 * - `crashed`: a program ended by itself
 */
export type Word =
  | "lost"
  | "duplicated"
  | "unexpected"
  | "undone"
  | "disordered"
  | "late"
  | "early"
  | "torn"
  | "flooded"
  | "hung"
  | "unreported"
  | "crashed";

/** A guarantee that a history breaks. */
export interface Violation {
  /** Which one (docs/guarantees.md); `S1`: one session of an agent at most. */
  readonly guarantee:
    | "G1"
    | "G2"
    | "G3"
    | "G4"
    | "G5"
    | "G10"
    | "G14"
    | "G18"
    | "S1";
  /** How. */
  readonly word: Word;
  /** The event, or the agent, that it happened to. */
  readonly subject: string;
  /** What was found, in one sentence. */
  readonly message: string;
  /** The entries that show it. */
  readonly evidence: readonly Entry[];
}

/** Looks for one kind of violation. Pure. */
export type Checker = (history: readonly Entry[]) => Violation[];
