import {
  type Clock,
  deadline,
  type Delivery,
  formatTime,
  type InventoryItem,
  type Link,
  type Logger,
  type Message,
  type StatusDelivery,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import { adopt, type NotAdopted } from "./life.ts";
import type { Metrics } from "./metrics_port.ts";
import type { Recorder } from "./recorder.ts";
import type { Fence } from "./store/store.ts";

/** Milliseconds that an agent may take for a page of its inventory. */
const PAGE_MS_MAX = 30_000;

/** Ids of orphans that the log names; there may be very many. */
const ORPHANS_LOGGED_MAX = 20;

/** Items of one inventory: more than an agent's journal has room for. */
const ITEMS_MAX = 1_000_000;

/** Messages that may wait until the inventory is there. */
const WAITING_MAX = 10_000;

/** Options of {@linkcode Reconciliation}. */
export interface ReconciliationOptions {
  /** Whose agent it is. */
  readonly tenant: string;
  /** The session. */
  readonly fence: Fence;
  /** The conversation. */
  readonly link: Link;
  /** Attempts that ended before this time are known in any case; absent: none is. */
  readonly since?: number;
  /** Who writes states. */
  readonly recorder: Pick<Recorder, "change" | "status">;
  /** What counts what was found. */
  readonly metrics: Metrics;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For what was found. */
  readonly log: Logger;
  /**
   * Takes a message that is not about the inventory. Statuses wait until it is
   * known which attempts they are about.
   */
  readonly take: (delivery: Delivery<Message>) => Promise<void> | undefined;
  /** Resolves when all that was taken is recorded. */
  readonly settled: () => Promise<void>;
}

/**
 * Compares what an agent remembers with a store that may be older than it:
 * attempts that the store does not know of are taken over, with their ends, so
 * that no event runs again that was done; and the gap is told. Afterwards the
 * stream of events has to begin anew.
 */
export class Reconciliation {
  readonly #options: ReconciliationOptions;
  readonly #found = { adopted: 0, conflicts: 0, orphans: 0 };
  readonly #orphans: string[] = [];
  /** Of those that the store has open, by event. */
  readonly #ended = new Map<string, InventoryItem>();
  #items = 0;
  readonly #waiting: StatusDelivery[] = [];

  /** Makes one that has asked nothing. */
  constructor(options: ReconciliationOptions) {
    this.#options = options;
  }

  /**
   * Asks the agent, and takes over what it says. Once.
   *
   * @returns Whether the agent told all of it, before the link ended; it is durable then.
   * @throws {TransporterError} `superseded`, `store_unavailable`, `slow_down` when more statuses come
   * than can wait, `too_large`.
   */
  async run(): Promise<boolean> {
    const { link, since, take, settled } = this.#options;
    await link.send({
      type: "inventory_request",
      ...(since === undefined ? {} : { since: formatTime(since) }),
    });
    if (!await this.#readPages()) return false;
    // First what nobody tells again: once a newer status is durable, its number says that these ends are.
    const waiting = new Set(this.#waiting.map(({ value }) => value.event_id));
    await this.#endAll((id) => !waiting.has(id));
    this.#tell();
    for (const delivery of this.#waiting) await take(delivery);
    await settled();
    await this.#endAll((id) => waiting.has(id));
    return true;
  }

  async #endAll(which: (id: string) => boolean): Promise<void> {
    const items = [...this.#ended.values()]
      .filter(({ event_id: id }) => which(id));
    await Promise.all(items.map((item) => this.#end(item)));
  }

  /** Reads until the last page; returns whether it came. */
  async #readPages(): Promise<boolean> {
    const { link, clock } = this.#options;
    const messages = link.receive()[Symbol.asyncIterator]();
    for (let more = true; more;) {
      const reason = new TransporterError(
        "timeout",
        `Cannot wait longer than ${PAGE_MS_MAX} ms for the agent's inventory`,
      );
      using limit = deadline(clock, PAGE_MS_MAX, { reason });
      limit.signal.addEventListener("abort", () => link.close(reason));
      const page = await this.#nextPage(messages);
      if (page === undefined) return false;
      this.#items += page.items.length;
      if (this.#items > ITEMS_MAX) {
        throw new TransporterError(
          "too_large",
          `Cannot take an inventory of more than ${ITEMS_MAX} items`,
        );
      }
      await Promise.all(page.items.map((item) => this.#takeOver(item)));
      more = page.more;
    }
    return true;
  }

  async #nextPage(messages: AsyncIterator<Delivery<Message>>) {
    for (;;) {
      const next = await messages.next();
      if (next.done) return undefined;
      const { value } = next.value;
      if (value.type === "inventory") return value;
      if (value.type !== "status_update") {
        await this.#options.take(next.value);
        continue;
      }
      if (this.#waiting.push(next.value as StatusDelivery) > WAITING_MAX) {
        throw new TransporterError(
          "slow_down",
          "Cannot take more statuses before the inventory",
        );
      }
    }
  }

  async #takeOver(item: InventoryItem): Promise<void> {
    const { tenant, fence, recorder, clock } = this.#options;
    const remembered = { agent: fence.agent, item, now: clock.now() };
    let why: NotAdopted | undefined;
    const step = await recorder.change(tenant, item.event_id, (record) => {
      const verdict = adopt(record, remembered);
      why = typeof verdict === "string" ? verdict : undefined;
      return typeof verdict === "string" ? undefined : verdict;
    }, fence);
    if (step === undefined || why === "foreign") return this.#orphan(item);
    if (why === "conflict") this.#found.conflicts++;
    if (why === undefined) this.#found.adopted++;
    const theirs = step.record.attempt === item.attempt && why !== "conflict";
    if (theirs && why !== "ended" && item.finished_at !== undefined) {
      this.#ended.set(item.event_id, item);
    }
  }

  #orphan({ event_id: id }: InventoryItem): void {
    this.#found.orphans++;
    if (this.#orphans.length < ORPHANS_LOGGED_MAX) this.#orphans.push(id);
  }

  /** Tells the end of an attempt as its agent told it once, without its result, which only the lost part had. */
  async #end(item: InventoryItem): Promise<void> {
    const { tenant, fence, recorder, clock } = this.#options;
    const { event_id: id, attempt, state, finished_at, error } = item;
    const interrupted = state === "in_progress";
    const frame: StatusUpdateFrame = {
      type: "status_update",
      event_id: id,
      agent_id: fence.agent,
      state,
      ...(interrupted ? { phase: "interrupted" } : {}),
      message: error?.message ?? "The agent has had this end in its journal",
      log_level: error === undefined ? "info" : "error",
      details: { reconciled: true },
      timestamp: finished_at ?? formatTime(clock.now()),
      attempt,
      ...(error === undefined ? {} : { error }),
    };
    await recorder.status(tenant, frame, fence);
  }

  /** Says what was found: a gap is reported, not hidden. */
  #tell(): void {
    const { log, metrics } = this.#options;
    const { adopted, conflicts, orphans } = this.#found;
    metrics.reconciled(this.#found);
    const facts = { adopted, conflicts, orphans, ended: this.#ended.size };
    if (adopted + conflicts + orphans === 0) {
      return log.info("Agent and store remember the same", facts);
    }
    log.warn("Store is older than what the agent remembers", {
      ...facts,
      orphan_ids: this.#orphans,
    });
  }
}
