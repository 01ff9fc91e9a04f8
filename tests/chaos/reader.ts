import {
  type EventView,
  type HistoryEntry,
  isTerminal,
  type LogPage,
  type Page,
  STATES,
} from "@transporter/sdk";
import type { HistoryRead, List, Logs, Read } from "../history/entry.ts";
import type { Random } from "../sim/random.ts";
import { delay } from "./delay.ts";
import { isBreak } from "./producer.ts";
import type { Scribe } from "./scribe.ts";

/** Options of {@linkcode Reader}. */
export interface ReaderOptions {
  /** Where the control plane is, through a link. */
  readonly url: string;
  /** The events that there are, in the order of their acceptance; grows. */
  readonly events: readonly { readonly facts: { readonly event: string } }[];
  /** What decides where it looks. */
  readonly random: Random;
  /** Where everything that it saw is written down. */
  readonly scribe: Scribe;
}

/** Milliseconds after which a call is given up; then nothing was seen. */
const CALL_MS_MAX = 4000;

/** Milliseconds between looks. */
const LOOK_MS = 40;

/** Events on a page of a list. */
const PAGE = 50;

/** Looks at events, their histories and lists of them, mostly at what happened just now, and writes down what it was told. */
export class Reader {
  readonly #options: ReaderOptions;
  /** Events whose history was told. */
  readonly told = new Set<string>();

  /** Makes a reader. */
  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        if (!isBreak(error)) throw error; // it saw nothing
      }
      await delay(LOOK_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const { events, random, scribe } = this.#options;
    if (events.length === 0) return;
    const recent = random.chance(0.7);
    const from = recent ? Math.max(0, events.length - 100) : 0;
    const id = events[random.int(from, events.length - 1)]?.facts.event ?? "";
    const what = random.next();
    const entry = what < 0.8
      ? await this.read(id)
      : what < 0.9
      ? await this.history(id)
      : await this.#list();
    if (entry !== undefined) scribe.write(entry);
  }

  /** Asks for an event; `undefined` when there was no answer that says where it is. */
  async read(id: string): Promise<Read | undefined> {
    const at = Date.now();
    const answer = await this.#get(`/v2/events/${id}`);
    const body: EventView = await answer.json();
    if (answer.status === 404) {
      const state = "absent";
      const nothing = { attempt: 0, revision: 0 };
      return {
        kind: "read",
        at,
        end: Date.now(),
        event: id,
        state,
        ...nothing,
      };
    }
    return answer.ok ? readOf(body, at) : undefined;
  }

  /** Asks for what happened to an event, all of it. */
  async history(id: string): Promise<HistoryRead | undefined> {
    const at = Date.now();
    const answer = await this.#get(`/v2/events/${id}/history?limit=500`);
    const body: Page<HistoryEntry> = await answer.json();
    // A part of a history would look like one that has lost the rest.
    if (!answer.ok || body.next_cursor !== undefined) return undefined;
    const entries = body.items.map(({ revision, state, phase }) => ({
      revision,
      state,
      ...(phase === undefined ? {} : { phase }),
    }));
    this.told.add(id);
    return { kind: "history", at, end: Date.now(), event: id, entries };
  }

  /** Asks for what an event put out, all of it. */
  async logs(id: string): Promise<Logs | undefined> {
    const at = Date.now();
    const answer = await this.#get(`/v2/events/${id}/logs?limit=500`);
    const body: LogPage = await answer.json();
    if (!answer.ok) return undefined;
    const pieces = body.items.map(({ attempt, off, data: text }) => ({
      ...{ attempt, off, text },
    }));
    return { kind: "logs", at, end: Date.now(), event: id, pieces };
  }

  /** Asks for every event there is, newest first. */
  async *all(): AsyncGenerator<Read> {
    let cursor = "";
    do {
      const at = Date.now();
      const answer = await this.#get(`/v2/events?limit=500${cursor}`);
      const page: Page<EventView> = await answer.json();
      for (const view of page.items) yield readOf(view, at);
      cursor = page.next_cursor === undefined
        ? ""
        : `&cursor=${encodeURIComponent(page.next_cursor)}`;
    } while (cursor !== "");
  }

  /** Whether no event is open any more. */
  async isOver(): Promise<boolean> {
    const open = STATES.filter((state) => !isTerminal(state));
    const query = open.map((state) => `&state=${state}`).join("");
    const answer = await this.#get(`/v2/events?limit=1${query}`);
    const page: Page<EventView> = await answer.json();
    return answer.ok && page.items.length === 0;
  }

  async #list(): Promise<List | undefined> {
    const state = this.#options.random.pick(
      STATES as readonly [typeof STATES[number], ...typeof STATES],
    );
    const at = Date.now();
    const answer = await this.#get(`/v2/events?limit=${PAGE}&state=${state}`);
    const body: Page<EventView> = await answer.json();
    if (!answer.ok) return undefined;
    const events = body.items.map(({ spec, state }) => ({
      event: spec.id,
      state,
    }));
    return { kind: "list", at, end: Date.now(), state, events };
  }

  #get(path: string): Promise<Response> {
    return fetch(`${this.#options.url}${path}`, {
      signal: AbortSignal.timeout(CALL_MS_MAX),
    });
  }
}

function readOf(view: EventView, at: number): Read {
  const { spec: { id: event }, state, phase, attempt, revision } = view;
  return {
    kind: "read",
    at,
    end: Date.now(),
    event,
    state,
    ...(phase === undefined ? {} : { phase }),
    attempt,
    revision,
  };
}
