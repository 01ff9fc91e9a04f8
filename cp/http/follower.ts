import type { State } from "@transporter/sdk";
import type { Change, EventRecord } from "../store/store.ts";
import type { Services } from "./services.ts";
import { Silence } from "./silence.ts";
import type { SseMessage } from "./sse.ts";
import { streamStatus } from "./view.ts";

/** How long a stream may be silent, in milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** Changes that are read at a time. */
const PAGE_MAX = 500;

/** Which changes a stream has. */
export interface Filter {
  /** Of one agent. */
  readonly agent: string | undefined;
  /** Of one event. */
  readonly event: string | undefined;
  /** To one of these. */
  readonly states: readonly State[] | undefined;
}

/** What a stream says. */
export type Messages = AsyncGenerator<readonly SseMessage[], void, undefined>;

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
export class Follower {
  readonly #services: Services;
  readonly #filter: Filter;
  readonly #signal: AbortSignal;
  readonly #silence: Silence;
  /** Whether something may be new since the store was looked into. */
  #heard = false;
  /** Ends the waiting. */
  #wake: () => void = () => {};

  /** Makes one that has told nothing. */
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

  /** What a stream says, from a change on or from now. */
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
