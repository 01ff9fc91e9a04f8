import {
  type Clock,
  type EventKind,
  type EventSpec,
  isEventId,
  isTerminal,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import type { Changes } from "./changes.ts";
import {
  expire,
  type Ignored,
  interrupt,
  queued,
  refuse,
  release,
  report,
} from "./life.ts";
import type { Metrics } from "./metrics_port.ts";
import type { Quota } from "./quota.ts";
import { readReport } from "./report.ts";
import type {
  EventChange,
  EventRecord,
  Fence,
  NewEvent,
  Release,
  ReleasedEvent,
  Store,
} from "./store/store.ts";

/** Options of {@linkcode Recorder}. */
export interface RecorderOptions {
  /** Where records are. */
  readonly store: Store;
  /** What is known about event types. */
  readonly kinds: readonly EventKind[];
  /** Where time comes from. */
  readonly clock: Clock;
  /** Whom to wake after a change. */
  readonly changes: Changes;
  /** What counts open events. */
  readonly quota: Quota;
  /** What counts what happens. */
  readonly metrics: Metrics;
}

/** What became of a status. */
export type StatusOutcome = "recorded" | "unknown_event" | Ignored;

/** Hears of every change of an event, after it was written. Must not throw. */
export type RecordListener = (record: EventRecord) => void;

/**
 * The only writer of states: applies the rules of `life.ts` to what the store
 * has, then tells those who wait. What it returns is durable.
 */
export class Recorder {
  readonly #store: Store;
  readonly #kinds: ReadonlyMap<string, EventKind>;
  readonly #clock: Clock;
  readonly #changes: Changes;
  readonly #quota: Quota;
  readonly #metrics: Metrics;
  readonly #listeners = new Set<RecordListener>();

  /** Makes a recorder over a store. */
  constructor(options: RecorderOptions) {
    this.#store = options.store;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.type, kind]));
    this.#clock = options.clock;
    this.#changes = options.changes;
    this.#quota = options.quota;
    this.#metrics = options.metrics;
  }

  /** Adds a listener; the dispatcher is one. */
  listen(listener: RecordListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Stores a new event as queued, unless its id or key is taken; then returns
   * what has it.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  async create(
    tenant: string,
    event: Omit<NewEvent, "status">,
  ): Promise<{ readonly record: EventRecord; readonly created: boolean }> {
    const status = queued(event.spec.id, event.acceptedAt);
    const outcome = await this.#store.createEvent(tenant, { ...event, status });
    if (outcome.record === undefined) {
      throw new TransporterError(
        "id_conflict",
        `Cannot accept event "${event.spec.id}" as its id was taken by an event that is not kept any more`,
      );
    }
    if (outcome.created) {
      this.#quota.add(outcome.record);
      this.#metrics.accepted(event.spec.type);
      this.#publish(outcome.record);
    }
    return outcome;
  }

  /**
   * Releases queued events to a session.
   *
   * @throws {TransporterError} `superseded`, `store_unavailable`.
   */
  async release(
    tenant: string,
    options: Omit<Release, "decide" | "at">,
  ): Promise<readonly ReleasedEvent[]> {
    const now = this.#clock.now();
    const released = await this.#store.releaseEvents(tenant, {
      ...options,
      at: now,
      decide: (record) => release(record, now),
    });
    if (released.length > 0) this.#metrics.released(released.length);
    for (const { record } of released) this.#publish(record);
    return released;
  }

  /**
   * Records what an agent says.
   *
   * @throws {TransporterError} `superseded`, `store_unavailable`; the status is not recorded then.
   */
  async status(
    tenant: string,
    frame: StatusUpdateFrame,
    fence: Fence,
  ): Promise<StatusOutcome> {
    const outcome = isEventId(frame.event_id)
      ? await this.#report(tenant, frame, fence)
      : "unknown_event";
    if (outcome === "recorded") this.#metrics.statuses(1);
    else this.#metrics.ignored(outcome);
    return outcome;
  }

  async #report(
    tenant: string,
    frame: StatusUpdateFrame,
    fence: Fence,
  ): Promise<StatusOutcome> {
    if (frame.agent_id !== "" && frame.agent_id !== fence.agent) {
      return "foreign";
    }
    const repeatable = frame.phase === "interrupted" &&
      await this.#repeatable(tenant, frame);
    const now = this.#clock.now();
    const status = readReport(frame, { agent: fence.agent, now });
    let ignored: Ignored = "not_released";
    const known = await this.#change(tenant, frame.event_id, {
      decide(record) {
        const verdict = report(record, { status, repeatable, now });
        if (typeof verdict !== "string") return verdict;
        ignored = verdict;
        return undefined;
      },
      fence,
    });
    if (known === undefined) return "unknown_event";
    return known.changed ? "recorded" : ignored;
  }

  /** The agent knows best; if it does not say, the kind of event decides. */
  async #repeatable(
    tenant: string,
    frame: StatusUpdateFrame,
  ): Promise<boolean> {
    const word = frame.details?.["repeatable"];
    if (typeof word === "boolean") return word;
    const spec = await this.#store.getSpec(tenant, frame.event_id);
    return spec !== undefined && this.#kindRepeatable(spec);
  }

  #kindRepeatable(spec: EventSpec): boolean {
    try {
      return this.#kinds.get(spec.type)?.repeatable(spec.payload) ?? false;
    } catch {
      // The kind does not take this payload any more: then it cannot vouch for a second run.
      return false;
    }
  }

  /**
   * Records that an agent does not take an event.
   *
   * @param released The event, as it was sent.
   * @param refusal Why, whether it may be sent again later, and the session that was told.
   * @throws {TransporterError} `superseded`, `store_unavailable`.
   */
  async refused(
    released: EventRecord,
    { error, again, fence }: {
      readonly error: TransporterError;
      readonly again: boolean;
      readonly fence: Fence;
    },
  ): Promise<void> {
    const { tenant, spec, seq } = released;
    const now = this.#clock.now();
    const { code, message } = error;
    await this.#change(tenant, spec.id, {
      decide: (record) =>
        refuse(record, { seq, error: { code, message }, again, now }),
      fence,
    });
  }

  /**
   * Ends an event whose time is up.
   *
   * @returns Whether it changed: a released one waits for its agent first.
   * @throws {TransporterError} `store_unavailable`.
   */
  async expired({ tenant, spec }: EventRecord): Promise<boolean> {
    const now = this.#clock.now();
    const decide = (record: EventRecord) => expire(record, now);
    return (await this.#change(tenant, spec.id, { decide }))?.changed ?? false;
  }

  /**
   * Gives up every attempt of an agent that came back without its memory:
   * nobody knows how far they came (decisions.md 18).
   *
   * @throws {TransporterError} `store_unavailable`; call it again then.
   */
  async instanceLost(tenant: string, agent: string): Promise<void> {
    const now = this.#clock.now();
    const message = "Agent came back without its journal";
    for (const { spec } of await this.#store.listReleased(tenant, agent)) {
      const repeatable = this.#kindRepeatable(spec);
      await this.#change(tenant, spec.id, {
        decide: (record) => interrupt(record, { repeatable, message, now }),
      });
    }
  }

  async #change(
    tenant: string,
    id: string,
    { decide, fence }: {
      readonly decide: (record: EventRecord) => EventChange | undefined;
      readonly fence?: Fence;
    },
  ): Promise<
    { readonly record: EventRecord; readonly changed: boolean } | undefined
  > {
    const step = await this.#store.changeEvent(tenant, id, decide, fence);
    if (step?.changed) {
      const { record } = step;
      const { type } = record.spec;
      if (isTerminal(record.state)) {
        this.#quota.remove(record);
        this.#metrics.ended(type, record.state);
      } else if (record.state === "queued") {
        this.#metrics.requeued(type);
      }
      this.#publish(record);
    }
    return step;
  }

  #publish(record: EventRecord): void {
    this.#changes.notify();
    for (const listener of this.#listeners) listener(record);
  }
}
