import { type Entry, ofKind } from "./entry.ts";
import {
  clockJumps,
  isForgotten,
  oldAgents,
  retriesOf,
  submitted,
} from "./events.ts";
import type { Violation } from "./violation.ts";

/** How wrong an agent may be about the time at the control plane, in milliseconds. */
const ERROR_MS_MAX = 2000;

/** How wrong the control plane's clock may be about how long it is until something, in milliseconds. */
const RATE_MS_MAX = 50;

/** G5: nothing starts after its deadline, or before it may. */
export function inTime(history: readonly Entry[]): Violation[] {
  return [...late(history), ...early(history)];
}

function early(history: readonly Entry[]): Violation[] {
  const events = submitted(history);
  const jumped = Math.min(...clockJumps(history));
  return ofKind(history, "start").flatMap((start) => {
    const earlyMs = (events.get(start.event)?.notBefore ?? 0) - start.at;
    if (earlyMs <= RATE_MS_MAX || jumped <= start.at) return [];
    return [{
      guarantee: "G5",
      word: "early",
      subject: start.event,
      message: `Attempt ${start.attempt} at event "${start.event}" started ${
        Math.round(earlyMs)
      } ms before it may`,
      evidence: [start],
    }];
  });
}

/**
 * An event's time runs from the moment it is accepted, which is known to lie
 * within its producer's calls: it is late if it is late by the latest possible
 * one. An operator's retry starts it anew. Agents of version 1 know no deadline.
 */
function late(history: readonly Entry[]): Violation[] {
  const events = submitted(history);
  const restores = ofKind(history, "restore");
  const retries = retriesOf(history);
  const old = oldAgents(history);
  const set = clockJumps(history);
  return ofKind(history, "start").flatMap((start) => {
    if (old.has(start.process)) return [];
    const { firstAt = 0 } = events.get(start.event) ?? {};
    if (set.some((at) => at >= firstAt && at <= start.at)) return [];
    const event = events.get(start.event);
    // Nobody knows when one was accepted that no producer was answered for.
    if (event?.acceptedBy === undefined || isForgotten(event, restores)) {
      return [];
    }
    const from = Math.max(
      event.acceptedBy,
      ...retries.filter(({ at, event }) =>
        event === start.event && at <= start.at
      ).map(({ end }) => end),
    );
    const lateMs = start.at - (from + event.ttlMs);
    if (lateMs <= ERROR_MS_MAX) return [];
    return [{
      guarantee: "G5",
      word: "late",
      subject: start.event,
      message: `Attempt ${start.attempt} at event "${start.event}" started ${
        Math.round(lateMs)
      } ms after its deadline`,
      evidence: [start],
    }];
  });
}
