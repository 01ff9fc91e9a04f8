/**
 * Entries for tests of the checkers, with what does not matter filled in.
 *
 * @module
 */
import type {
  End,
  Entry,
  Mark,
  Read,
  Restore,
  Session,
  Start,
  Submit,
} from "./entry.ts";

/** A call of a producer that took a moment. */
export function submit(
  event: string,
  at: number,
  rest: Partial<Submit> = {},
): Submit {
  return {
    kind: "submit",
    at,
    end: at + 1,
    event,
    agent: "edge",
    outcome: "ok",
    priority: 0,
    ttlMs: 1000,
    repeatable: true,
    ...rest,
  };
}

/** What a reader was told at once. */
export function read(
  event: string,
  at: number,
  state: Read["state"],
  rest: Partial<Read> = {},
): Read {
  const revision = state === "absent" ? 0 : at;
  return {
    kind: "read",
    at,
    end: at,
    event,
    state,
    attempt: 1,
    revision,
    ...rest,
  };
}

/** A start. */
export function start(
  event: string,
  at: number,
  rest: Partial<Start> = {},
): Start {
  const where = { agent: "edge", process: "edge-1" };
  return { kind: "start", at, event, attempt: 1, ...where, ...rest };
}

/** An end. */
export function end(event: string, at: number, rest: Partial<End> = {}): End {
  const where = { agent: "edge" };
  return {
    kind: "end",
    at,
    event,
    attempt: 1,
    outcome: "done",
    ...where,
    ...rest,
  };
}

/** Something seen of a session. */
export function session(
  gen: number,
  at: number,
  rest: Partial<Session> = {},
): Session {
  return { kind: "session", at, agent: "edge", gen, what: "begin", ...rest };
}

/** A mark. */
export function mark(what: Mark["what"], at: number): Mark {
  return { kind: "mark", what, at };
}

/** A restore. */
export function restore(at: number, copiedAt: number): Restore {
  return { kind: "restore", at, copiedAt };
}

/** What a checker finds, as `word subject`. */
export function found(
  checker: (history: readonly Entry[]) => readonly {
    readonly word: string;
    readonly subject: string;
  }[],
  ...history: readonly Entry[]
): string[] {
  return checker(history).map(({ word, subject }) => `${word} ${subject}`);
}
