import type { Clock, Logger, Rng } from "@transporter/sdk";
import type { Changes } from "../changes.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { KnownAgents } from "../known_agents.ts";
import { paced } from "../pace.ts";
import type { Sessions } from "../sessions.ts";
import type { Gap } from "../store/shared.ts";
import type { Store } from "../store/store.ts";
import type { News, Peers } from "./port.ts";

/** Milliseconds between looks for changes that nobody told of, on average. */
const LOOK_MS = 1000;

/** After so many looks that find no other replica this one counts as alone. */
const ALONE_LOOKS = 10;

/** Changes that are read at a time. */
const PAGE = 500;

/** Changes behind which are not read any more: then every session looks for itself. */
const BEHIND_MAX = 20_000;

/** Options of {@linkcode Hearing}. */
export interface HearingOptions {
  /** Who tells. */
  readonly peers: Pick<Peers, "self" | "hear" | "onOlder" | "replicas">;
  /** What is true. */
  readonly store: Pick<Store, "changeRange" | "listChanges">;
  /** Whose sessions want to know. */
  readonly dispatcher: Pick<Dispatcher, "touched" | "missed" | "wake">;
  /** What knows for a while what agents have registered. */
  readonly agents: Pick<KnownAgents, "forget" | "forgetAll">;
  /** Whose followers want to know. */
  readonly changes: Pick<Changes, "notify" | "break">;
  /** What knows how long the store has been as it is. */
  readonly sessions: Pick<Sessions, "forget" | "disperse">;
  /** Looks whether an agent's session here is still its session. Never rejects. */
  readonly verify: (tenant: string, agent: string) => void;
  /** Whose changes are looked at. */
  readonly tenants: readonly string[];
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** For what goes wrong. */
  readonly log: Logger;
}

/**
 * Lets a replica know of what the others write: at once by what they tell, and
 * a second later by the numbers of changes, of which every one that was not
 * told of is read. So nothing depends on what was told.
 */
export class Hearing implements AsyncDisposable {
  readonly #options: HearingOptions;
  readonly #stop = new AbortController();
  #listening: Disposable | undefined;
  readonly #older: Disposable;
  /** Looks in a row that found no other replica; at first there may be some. */
  #aloneLooks = 0;
  /** Every change up to this one was told of, or read. */
  #position: number;
  readonly #looking: Promise<void>;

  private constructor(options: HearingOptions, position: number) {
    this.#options = options;
    this.#position = position;
    this.#listening = this.#listen();
    this.#older = options.peers.onOlder((gap) => this.#beOlder(gap));
    this.#looking = this.#look();
  }

  /**
   * Begins to listen; before any session is open.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  static async open(options: HearingOptions): Promise<Hearing> {
    const { newest } = await options.store.changeRange();
    return new Hearing(options, newest);
  }

  /** Stops; resolves when nothing is being read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening?.[Symbol.dispose]();
    this.#older[Symbol.dispose]();
    this.#stop.abort();
    await this.#looking;
  }

  #listen(): Disposable {
    return this.#options.peers.hear((news) => this.#take(news));
  }

  #take(news: News): void {
    const { peers, agents, dispatcher, changes, verify } = this.#options;
    switch (news.kind) {
      case "event":
        // Where some are missing in between, the next look reads them.
        if (news.first === this.#position + 1) this.#position = news.last;
        if (news.by === peers.self.id) return; // the recorder has told of it
        dispatcher.touched(news.tenant, news.agent, news.event);
        return changes.notify();
      case "agent":
        agents.forget(news.tenant, news.agent);
        if (news.by === peers.self.id) return;
        dispatcher.wake(news.tenant, news.agent);
        return verify(news.tenant, news.agent);
      case "missed": // the next look reads what it was
        agents.forgetAll();
    }
  }

  async #look(): Promise<void> {
    const { clock, rng, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // Not all of them at the same moment.
      await clock.sleep(paced(LOOK_MS, rng), { signal }).catch(() => {}); // the loop sees that it is over
      if (signal.aborted) return;
      try {
        if (!await this.#isAlone()) await this.#catchUp();
      } catch (error) {
        // What was not told is still there in a second.
        log.warn("Cannot look for changes", { error });
      }
    }
  }

  /** Finds out whether there are others: who is alone knows all that is written, and reads none of it. */
  async #isAlone(): Promise<boolean> {
    const { peers, store, agents, dispatcher } = this.#options;
    const replicas = await peers.replicas();
    const before = this.#aloneLooks;
    const others = replicas.some(({ id }) => id !== peers.self.id);
    this.#aloneLooks = others ? 0 : before + 1;
    if (others && before >= ALONE_LOOKS) {
      // It is there for a moment already, and may have written something.
      this.#listening = this.#listen();
      dispatcher.missed();
      agents.forgetAll();
    }
    if (this.#aloneLooks < ALONE_LOOKS) return false;
    this.#listening?.[Symbol.dispose]();
    this.#listening = undefined;
    const { newest } = await store.changeRange();
    if (newest < this.#position) await this.#lookAgain();
    else this.#position = newest;
    return true;
  }

  async #catchUp(): Promise<void> {
    const { store, dispatcher, changes, tenants } = this.#options;
    const { oldest, newest } = await store.changeRange();
    const after = this.#position;
    if (newest === after) return;
    changes.notify();
    if (newest < after) return await this.#lookAgain();
    if (newest - after > BEHIND_MAX || oldest > after + 1) {
      this.#position = Math.max(this.#position, newest);
      return dispatcher.missed();
    }
    for (const tenant of tenants) {
      for (let from = after;;) {
        const page = await store.listChanges(tenant, from, PAGE);
        for (const { agent, entry } of page) {
          dispatcher.touched(tenant, agent, entry.event_id);
        }
        const last = page.at(-1)?.change;
        if (last === undefined || page.length < PAGE) break;
        from = last;
      }
    }
    this.#position = Math.max(this.#position, newest);
  }

  /** The numbers went back, or this replica was told of changes while it asked. */
  async #lookAgain(): Promise<void> {
    const was = this.#position;
    const { newest } = await this.#options.store.changeRange();
    if (newest >= was) return;
    this.#beOlder({ was, is: newest });
    this.#position = newest;
  }

  /** The store is older than it was: nothing that rests on what it had may go on. */
  #beOlder({ was, is }: Pick<Gap, "was" | "is">): void {
    const { agents, sessions, changes, log } = this.#options;
    agents.forgetAll();
    log.warn("The store is older than it was", { was, is });
    // What agents have and the store does not know is found when they come back.
    sessions.forget();
    sessions.disperse("its store is older than it was");
    changes.break();
  }
}
