import { type State, TransporterError } from "@transporter/sdk";
import type { Change, EventRecord } from "../store/store.ts";
import { unknownEvent } from "../unknown.ts";
import { EVENT_FILTERS } from "./events.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { Services } from "./services.ts";
import { Silence } from "./silence.ts";
import { type SseMessage, sseResponse } from "./sse.ts";
import { streamStatus } from "./view.ts";

/** How long a stream may be silent, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** Changes that are read at a time. */
const PAGE_MAX = 500;

/** Streams that may be open at a time; each costs a connection and a look at the store per change. */
const STREAMS_MAX = 1000;

/** Which changes a stream has. */
interface Filter {
  readonly agent: string | undefined;
  readonly event: string | undefined;
  readonly states: readonly State[] | undefined;
}

type Messages = AsyncGenerator<readonly SseMessage[], void, undefined>;

function matches(
  { agent, entry }: Pick<Change, "agent" | "entry">,
  filter: Filter,
): boolean {
  return (filter.agent === undefined || filter.agent === agent) &&
    (filter.event === undefined || filter.event === entry.event_id) &&
    (filter.states === undefined || filter.states.includes(entry.state));
}

/**
 * Follows what happens to events.
 *
 * A stream says `ready` once it has told all that was before; what comes before
 * `ready` has no id, so that a reader who loses the connection in between starts
 * again. From then on each change has its number as id.
 *
 * - A new stream starts now; that of one event with its whole history.
 * - `Last-Event-ID` goes on after that change. When the store no longer has
 *   what followed it, or never had it, or lost some of what was before it, the
 *   stream says `reset` and then, for each event that matches, where it is now.
 */
class Follower {
  readonly #services: Services;
  readonly #filter: Filter;
  readonly #signal: AbortSignal;
  readonly #silence: Silence;
  /** Whether something may be new since the store was looked into. */
  #heard = false;
  /** Ends the waiting. */
  #wake: () => void = () => {};

  constructor(services: Services, filter: Filter, signal: AbortSignal) {
    this.#services = services;
    this.#filter = filter;
    this.#signal = signal;
    this.#silence = new Silence(
      services.clock,
      KEEP_ALIVE_MS,
      () => this.#wake(),
    );
    signal.addEventListener("abort", () => {
      this.#wake();
      this.#silence[Symbol.dispose]();
    }, { once: true });
  }

  async *follow(lastId: number | undefined): Messages {
    const { oldest, newest, since = 0 } = await this.#services.store
      .changeRange();
    // Taken before anything is told: what happens meanwhile is told twice rather than never.
    let position = newest;
    if (lastId === undefined) {
      if (this.#filter.event !== undefined) {
        yield* this.#history(this.#filter.event);
      }
    } else if (lastId > newest || lastId < Math.max(oldest - 1, since)) {
      yield [{
        event: "reset",
        data: { last_event_id: lastId, oldest, newest },
      }];
      yield* this.#present();
    } else {
      position = lastId;
    }
    yield [{ event: "ready", id: position, data: { position } }];
    yield* this.#changes(position);
  }

  /** Everything that happened to one event. */
  async *#history(id: string): Messages {
    const { store, tenant } = this.#services;
    const record = await store.getEvent(tenant, id);
    const entries = await store.listHistory(tenant, id);
    if (record === undefined) return;
    const changes = entries.map((entry) => changeOf(record, entry))
      .filter((change) => matches(change, this.#filter));
    yield changes.map((change) => ({
      event: "status",
      data: streamStatus(change),
    }));
  }

  /** Where each event is now, newest first as in lists. */
  async *#present(): Messages {
    const { store, tenant } = this.#services;
    const { agent, event, states } = this.#filter;
    if (event !== undefined) return yield* this.#history(event);
    let before: number | undefined;
    while (true) {
      const records = await store.listEvents(tenant, {
        ...(agent === undefined ? {} : { agent }),
        ...(states === undefined ? {} : { states }),
        ...(before === undefined ? {} : { before }),
        limit: PAGE_MAX,
      });
      const messages: SseMessage[] = [];
      for (const record of records) {
        const entry = (await store.listHistory(tenant, record.spec.id)).at(-1);
        if (entry === undefined) continue;
        messages.push({
          event: "status",
          data: streamStatus(changeOf(record, entry)),
        });
      }
      if (messages.length > 0) yield messages;
      before = records.at(-1)?.enq;
      if (records.length < PAGE_MAX) return;
    }
  }

  /** All changes after a position, until somebody stops. */
  async *#changes(after: number): Messages {
    const { store, tenant, changes } = this.#services;
    using _listening = changes.listen(() => {
      this.#heard = true;
      this.#wake();
    });
    let position = after;
    while (!this.#signal.aborted) {
      this.#heard = false; // before the look: what changes meanwhile is looked for again
      const page = await store.listChanges(tenant, position, PAGE_MAX);
      position = page.at(-1)?.change ?? position;
      const messages = page.filter((change) => matches(change, this.#filter))
        .map((change) => ({
          event: "status",
          id: change.change,
          data: streamStatus(change),
        }));
      if (messages.length > 0) yield messages;
      if (page.length === PAGE_MAX || await this.#news()) continue;
      position = await this.#passed(position);
      yield [{ comment: "still here", id: position }];
    }
  }

  /** Waits for a change; false when none came for so long that a word is due. */
  async #news(): Promise<boolean> {
    if (!this.#heard && !this.#signal.aborted) {
      this.#silence.begin();
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#silence.end();
    }
    return this.#heard || this.#signal.aborted;
  }

  /** How far all is told: changes of other tenants count too, so that it never falls behind what is kept. */
  async #passed(position: number): Promise<number> {
    const { store, tenant } = this.#services;
    // Read first, so that nothing up to it is missing from the page.
    const { newest } = await store.changeRange();
    const page = await store.listChanges(tenant, position, 1);
    return page.length === 0 ? newest : position;
  }
}

function changeOf(
  { spec }: EventRecord,
  entry: Change["entry"],
): Pick<Change, "agent" | "type" | "entry"> {
  return { agent: spec.target_agent, type: spec.type, entry };
}

function lastIdOf({ query, header }: RouteRequest): number | undefined {
  const text = header("last-event-id") ?? query.text("last_event_id");
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TransporterError(
    "invalid",
    `Cannot go on after change "${
      text.slice(0, 40)
    }": it must be the id of a message of this stream`,
    { details: { field: "last_event_id" } },
  );
}

/** The route that follows changes. */
export function streamRoute(services: Services): Route {
  const { store, tenant, changes, clock, stopping, metrics, log } = services;
  let open = 0;

  async function* counted(messages: Messages): Messages {
    metrics.streamsOpen(1);
    open++;
    try {
      yield* messages;
    } catch (error) {
      // The reader comes back and goes on where it was.
      log.warn("Stream of changes broke", { error });
    } finally {
      open--;
      metrics.streamsOpen(-1);
    }
  }

  return {
    method: "GET",
    path: "/v2/stream",
    id: "streamChanges",
    tag: "events",
    summary: "Follows what happens to events, as server-sent events",
    query: [
      ...EVENT_FILTERS,
      {
        name: "event",
        description: "Only changes of this event, with its whole history first",
        schema: { type: "string" },
      },
      {
        name: "last_event_id",
        description:
          "Goes on after the change with this id, as the header Last-Event-ID does",
        schema: { type: "integer", minimum: 0 },
      },
    ],
    headers: [{
      name: "Last-Event-ID",
      description: "Goes on after the change with this id",
    }],
    answers: {
      200: {
        description:
          "Messages named status (data: StreamEntry), ready (all before it is told) and " +
          "reset (what follows is not all that happened, but where events are now)",
        content: { "text/event-stream": "StreamEntry" },
      },
    },
    errors: [
      "unknown_field",
      "invalid",
      "unknown_event",
      "slow_down",
      "store_unavailable",
    ],
    async handle(request) {
      const { query } = request;
      const lastId = lastIdOf(request);
      const filter = {
        agent: query.text("agent"),
        event: query.text("event"),
        states: query.states(),
      };
      if (
        filter.event !== undefined &&
        await store.getEvent(tenant, filter.event) === undefined
      ) {
        throw unknownEvent(filter.event);
      }
      if (open >= STREAMS_MAX) {
        throw new TransporterError(
          "slow_down",
          `Cannot open more than ${STREAMS_MAX} streams at a time`,
        );
      }
      const gone = new AbortController();
      const signal = AbortSignal.any([
        ...[stopping, gone.signal, changes.unbroken],
      ]);
      const follower = new Follower(services, filter, signal);
      return sseResponse(counted(follower.follow(lastId)), {
        clock,
        drop: () => request.drop(),
        over: () => gone.abort(),
      });
    },
  };
}
