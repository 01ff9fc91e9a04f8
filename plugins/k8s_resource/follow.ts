import { fullJitter } from "@transporter/sdk";
import type { Cluster } from "./cluster.ts";
import type { Collection } from "./collection.ts";
import { isRefusal, Looker, type LookerOptions } from "./look.ts";
import { NoAnswer } from "./no_answer.ts";
import { versionOf, type WatchEvent, watchEventOf } from "./watch_event.ts";

/** Between two looks where nothing can be watched, in milliseconds: at first, and after a while. */
const INTERVAL_MS = { first: 100, last: 2_000, growth: 1.5 } as const;

/** Between two watches that ended early, in milliseconds. */
const PAUSE = { initialMs: 100, maxMs: 2_000 } as const;

/** The longest that a watch may go on after its server was to end it, in milliseconds. */
const LATE_MS = 5_000;

/**
 * Follows the objects of a collection until all of them are ready: by one list
 * and one watch, by lists where watching is not allowed, and by a look at each
 * object where listing is not either.
 */
class Follower {
  readonly #looker: Looker;
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal;
  /** How many watches in a row have ended early, also with a list between them. */
  #failures = 0;

  constructor(collection: Collection, options: LookerOptions) {
    this.#looker = new Looker(collection, options);
    this.#cluster = options.cluster;
    this.#signal = options.signal;
  }

  get done(): boolean {
    return this.#looker.left.length === 0;
  }

  async listAndWatch(): Promise<void> {
    for (let version = await this.#looker.list();;) {
      if (version === undefined) return await this.poll("each");
      if (this.done) return;
      const end = await this.#watch(version);
      if (end === "done") return;
      if (end === "refused") return await this.poll("list");
      version = await this.#looker.list();
    }
  }

  async poll(how: "each" | "list"): Promise<void> {
    let intervalMs: number = INTERVAL_MS.first;
    for (;;) {
      if (how === "each") await this.#looker.each();
      else await this.#looker.list();
      if (this.done) return;
      await this.#cluster.clock.sleep(intervalMs, { signal: this.#signal });
      intervalMs = Math.min(INTERVAL_MS.last, intervalMs * INTERVAL_MS.growth);
    }
  }

  /** Watches on from a version, over as many connections as it takes, until a new list is needed. */
  async #watch(version: string): Promise<"done" | "refused" | "again"> {
    const { clock, rng, requestTimeoutMs } = this.#cluster;
    let from = version;
    for (;;) {
      const startedAt = clock.monotonic();
      let again = false;
      let told = false;
      try {
        for await (const { type, object } of this.#events(from)) {
          told = true;
          again = type === "again";
          if (again) break;
          from = versionOf(object);
          if (type === "seen") await this.#looker.note(object);
          if (type === "gone") this.#looker.noteGone(object);
          if (this.done) return "done";
        }
      } catch (error) {
        again = this.#looker.expired;
        if (!again && isRefusal(error)) return "refused";
        if (!again && !(error instanceof NoAnswer)) throw error;
      }
      const early = clock.monotonic() - startedAt < requestTimeoutMs / 2;
      this.#failures = early ? this.#failures + 1 : 0;
      if (early) {
        const pauseMs = fullJitter(this.#failures, rng, PAUSE);
        await clock.sleep(pauseMs, { signal: this.#signal });
      }
      // Nothing at all is told of a version that is to come yet, as after a restore of the server's store.
      if (again || (!told && !early)) return "again";
    }
  }

  /** What one watch tells. Its server is to end it, so that one that falls silent is noticed. */
  async *#events(version: string): AsyncGenerator<WatchEvent> {
    const { client, requestTimeoutMs } = this.#cluster;
    const seconds = Math.ceil(requestTimeoutMs / 1_000);
    const path = this.#looker.pathOf({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: String(seconds),
    });
    await using stream = await client.open({ method: "GET", path }, {
      ...this.#looker.limits(`watch "${path}"`),
      lifeMs: seconds * 1_000 + Math.min(LATE_MS, requestTimeoutMs),
    });
    for await (const line of stream.lines()) yield watchEventOf(line);
  }
}

/**
 * Follows the objects of a collection, and notes what it sees, until all of
 * them are ready.
 *
 * @throws {TransporterError} `cluster_unavailable`, `unauthenticated`, `denied`, or what the signal aborts with.
 */
export async function follow(
  collection: Collection,
  options: LookerOptions,
): Promise<void> {
  const follower = new Follower(collection, options);
  if (collection.singly) await follower.poll("each");
  else await follower.listAndWatch();
}
