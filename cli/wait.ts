import {
  type EventView,
  type HistoryEntry,
  isTerminal,
} from "@transporter/sdk";
import type { Client } from "./client.ts";
import { type Goal, GOALS } from "./goals.ts";
import { retry } from "./retry.ts";
import { follow } from "./stream.ts";

/** Options of {@linkcode waitFor}. */
export interface WaitOptions {
  /** How far the event has to get. */
  readonly goal: Goal;
  /** A revision: only what comes after it counts; everything unless given. */
  readonly after?: number;
  /** Takes everything that happens to the event, once and in order. */
  readonly onEntry: (entry: HistoryEntry) => void;
  /** Called when entries told that objects of the event are elsewhere than before; waited for. */
  readonly onProgress?: () => Promise<void>;
}

/** Whether an event has got as far as wanted, or can get no further. */
export function isReached(entry: HistoryEntry, goal: Goal): boolean {
  if (isTerminal(entry.state)) return true;
  const wanted = GOALS.indexOf(goal);
  const step = entry.state === "queued" || entry.state === "created"
    ? -1
    : GOALS.findIndex((each) => each === (entry.phase ?? "assigned"));
  return step >= wanted;
}

/**
 * Waits until an event has got somewhere, or has ended.
 *
 * The stream tells what happens; what is true is asked for each time it is
 * ready. So a break, a restart of the control plane or a stream that starts
 * late loses nothing.
 *
 * @param client Gives up when its signal aborts.
 * @param id The event.
 * @param options How far, and who is told.
 * @returns The event as it is then.
 * @throws {TransporterError} The signal's reason, or what the control plane refuses with.
 */
export async function waitFor(
  client: Client,
  id: string,
  options: WaitOptions,
): Promise<EventView> {
  const { goal, after = -1, onEntry, onProgress } = options;
  const patient = { ...client.http.options, triesMax: Infinity };
  let revision = after;
  let hasMoved = false;
  function reached(entries: readonly HistoryEntry[]): boolean {
    for (const entry of entries) {
      if (entry.event_id !== id || entry.revision <= revision) continue;
      revision = entry.revision;
      hasMoved ||= entry.details?.["progress"] !== undefined;
      onEntry(entry);
      if (isReached(entry, goal)) return true;
    }
    return false;
  }
  const { signal, note } = client.http.options;
  for await (
    const item of follow(client, { query: { event: id }, signal, note })
  ) {
    const entries = item.kind === "ready"
      ? await retry(() => client.history(id), patient)
      : [item.status];
    if (reached(entries)) break;
    if (hasMoved) await onProgress?.();
    hasMoved = false;
  }
  return await retry(() => client.event(id), patient);
}
