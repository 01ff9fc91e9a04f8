import {
  type AgentView,
  type EventView,
  isTerminal,
  type StreamStatus,
  TransporterError,
} from "@transporter/sdk";
import type { Client, EventFilter } from "./client.ts";
import { retry } from "./retry.ts";
import { follow } from "./stream.ts";

/** Takes what a watch sees. */
export interface Watcher<T> {
  /** What there is when the watch begins; called once. */
  readonly first: (items: readonly T[]) => void;
  /** One thing that changed, or is new. */
  readonly next: (item: T) => void;
}

/** Options of {@linkcode watchEvents}. */
export interface WatchEventsOptions {
  /** Which events. */
  readonly filter: EventFilter;
  /** How many are shown at first. */
  readonly limit: number;
}

/** An event as it was at a change of which the stream tells. */
function changed(view: EventView, status: StreamStatus): EventView {
  const { state, phase, message, revision, timestamp } = status;
  const { phase: _, error: __, result: ___, finished_at: ____, ...rest } = view;
  return {
    ...rest,
    state,
    message,
    revision,
    updated_at: timestamp,
    attempt: status.attempt ?? view.attempt,
    ...(phase === undefined ? {} : { phase }),
    ...(status.error === undefined ? {} : { error: status.error }),
    ...(status.result ? { result: status.result } : {}),
    ...(isTerminal(state) ? { finished_at: timestamp } : {}),
  };
}

/** Whether labels are as all of these say, such as `team=platform`. */
export function hasLabels(
  labels: Readonly<Record<string, string>>,
  wanted: readonly string[],
): boolean {
  return wanted.every((each) => {
    const at = each.indexOf("=");
    const key = each.slice(0, at);
    return Object.hasOwn(labels, key) && labels[key] === each.slice(at + 1);
  });
}

function matches(view: EventView, filter: EventFilter): boolean {
  const { agent, state, type, label = [], since = "" } = filter;
  const { spec } = view;
  return (agent === undefined || spec.target_agent === agent) &&
    (state === undefined || [state].flat().includes(view.state)) &&
    (type === undefined || spec.type === type) &&
    hasLabels(spec.labels, label) && view.accepted_at >= since;
}

/** How many events are remembered; one that is forgotten is asked for again. */
const KNOWN_MAX = 10_000;

/**
 * Follows events: first those there are, then every change.
 *
 * @param client Where; ends when its signal aborts.
 * @param options Which events.
 * @param watcher Takes them.
 * @throws {TransporterError} The signal's reason, or the code of a refusal.
 */
export async function watchEvents(
  client: Client,
  options: WatchEventsOptions,
  watcher: Watcher<EventView>,
): Promise<never> {
  const { filter, limit } = options;
  const { signal, note } = client.http.options;
  const known = new Map<string, EventView>();
  function see(view: EventView): boolean {
    const { id } = view.spec;
    const isNew = (known.get(id)?.revision ?? -1) < view.revision;
    if (isNew) {
      known.delete(id);
      known.set(id, view);
      const oldest = known.keys().next().value;
      if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    }
    return isNew && matches(view, filter);
  }
  let started = false;
  const query = { agent: filter.agent };
  for await (const item of follow(client, { query, signal, note })) {
    if (item.kind === "ready") {
      const page = await retry(() => client.events(filter, limit), {
        ...client.http.options,
        triesMax: started ? Infinity : 1,
      });
      const views = page.items.toReversed().filter(see);
      if (started) views.forEach(watcher.next);
      else watcher.first(views);
      started = true;
    } else {
      const { status } = item;
      const view = known.get(status.event_id) ??
        await ask(() => client.event(status.event_id), client);
      if (view === undefined) continue;
      const { payload: _, ...spec } = view.spec;
      const now = { ...changed(view, status), spec };
      if (see(now)) watcher.next(now);
    }
  }
  throw new RangeError("A stream that is followed does not end");
}

/**
 * Follows one event: first as it is, then after every change.
 *
 * @param client Where; ends when its signal aborts.
 * @param id The event.
 * @param watcher Takes it.
 * @throws {TransporterError} The signal's reason, or the code of a refusal, such as `unknown_event`.
 */
export async function watchEvent(
  client: Client,
  id: string,
  watcher: Watcher<EventView>,
): Promise<never> {
  const { signal, note } = client.http.options;
  async function look(): Promise<EventView> {
    const { spec: { payload: _, ...spec }, ...rest } = await client.event(id);
    return { ...rest, spec }; // the payload does not change
  }
  let view = await look();
  watcher.first([view]);
  const query = { event: id };
  for await (const item of follow(client, { query, signal, note })) {
    const now = item.kind === "ready"
      ? await ask(look, client)
      : changed(view, item.status);
    if (now === undefined || now.revision <= view.revision) continue;
    view = now;
    watcher.next(view);
  }
  throw new RangeError("A stream that is followed does not end");
}

/** Asks for what a change is about; `undefined` when it is gone already. */
async function ask<T>(
  what: () => Promise<T>,
  client: Client,
): Promise<T | undefined> {
  try {
    return await retry(what, { ...client.http.options, triesMax: Infinity });
  } catch (error) {
    const gone = error instanceof TransporterError &&
      error.class === "not_found";
    if (!gone) throw error;
    return undefined;
  }
}

/** Between looks at the agents, in milliseconds: the stream tells of events only. */
const LOOK_MS = 2_000;

/**
 * Follows agents: first those there are, then each that changes.
 *
 * @param client Where; ends when its signal aborts.
 * @param isWanted Which agents.
 * @param watcher Takes them.
 * @throws {TransporterError} The signal's reason, or the code of a refusal.
 */
export async function watchAgents(
  client: Client,
  isWanted: (view: AgentView) => boolean,
  watcher: Watcher<AgentView>,
): Promise<never> {
  const { clock, signal } = client.http.options;
  const known = new Map<string, string>();
  function see(view: AgentView): boolean {
    if (!isWanted(view)) return false;
    // A heartbeat alone is no news.
    const { seen_at: _, ...rest } = view;
    const now = JSON.stringify(rest);
    const isNew = known.get(view.id) !== now;
    known.set(view.id, now);
    return isNew;
  }
  watcher.first((await client.agents()).items.filter(see));
  while (true) {
    await clock.sleep(LOOK_MS, { signal });
    const page = await retry(() => client.agents(), {
      ...client.http.options,
      triesMax: Infinity,
    });
    page.items.filter(see).forEach(watcher.next);
  }
}
