import {
  type Clock,
  type EventKind,
  isEventId,
  isTerminal,
  type Rng,
  type State,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import { Audience } from "./audience.ts";
import type { Changes } from "./changes.ts";
import type { ReleaseOptions } from "./holds.ts";
import { Kinds } from "./kinds.ts";
import {
  bounded,
  type Ignored,
  interrupt,
  isReleased,
  queued,
  refuse,
  release,
  report,
} from "./life.ts";
import type { Metrics } from "./metrics_port.ts";
import type { Quota } from "./quota.ts";
import { readReport } from "./report.ts";
import type {
  Creation,
  EventChange,
  EventRecord,
  Fence,
  NewEvent,
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
  /** Where the waits between attempts come from. */
  readonly rng: Rng;
  /** Whom to wake after a change. */
  readonly changes: Changes;
  /** What counts open events. */
  readonly quota: Quota;
  /** What counts what happens. */
  readonly metrics: Metrics;
}

/** What became of a status. */
export type StatusOutcome = "recorded" | "unknown_event" | Ignored;

/** The record after a step, and whether that is another one than before. */
export type Step = { readonly record: EventRecord; readonly changed: boolean };

/**
 * The only writer of states: applies the rules of `life.ts` to what the store
 * has, then tells those who wait. What it returns is durable.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #kinds: Kinds;
  /** Those who hear of every change; the dispatcher is one. */
  readonly audience: Audience = new Audience();
  #heard = 0;

  /** Makes a recorder over a store. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#kinds = new Kinds(options.kinds);
  }

  /** How many statuses came so far. */
  get heard(): number {
    return this.#heard;
  }

  /** A write failed: one of which nobody knows whether it was done is told. */
  #failed(tenant: string, reason: unknown): never {
    if (TransporterError.from(reason).class === "unavailable") {
      this.audience.doubt(tenant);
    }
    throw reason;
  }

  /**
   * Stores a new event as queued, unless its id or key is taken; then returns
   * what has it.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  create(
    tenant: string,
    event: Omit<NewEvent, "status" | "deadline" | "readyAt" | "dueAt">,
  ): Promise<Creation> {
    const { spec, acceptedAt } = event;
    const { quota, store } = this.#options;
    const creating = store.createEvent(tenant, {
      ...event,
      ...queued(spec, acceptedAt),
    });
    return quota.follow(tenant, spec.id, creating).then((creation) => {
      if (creation.created) {
        this.#options.metrics.accepted(spec.type);
        this.#publish(creation.record);
      }
      return creation;
    }, (reason) => this.#failed(tenant, reason));
  }

  /**
   * Releases queued events to a session.
   *
   * @param tenant Whose agent it is.
   * @param options How much, and `version`: that of the session's link.
   * @throws {TransporterError} `superseded`, `store_unavailable`.
   */
  async release(
    tenant: string,
    { version, isHeld = () => false, ...options }: ReleaseOptions,
  ): Promise<readonly ReleasedEvent[]> {
    const now = this.#options.clock.now();
    const released = await this.#options.store.releaseEvents(tenant, {
      ...options,
      at: now,
      decide(record) {
        if (isHeld(record.spec)) return undefined;
        const change = release(record, { now, beginsAtOnce: version === 1 });
        return change && bounded(record, change);
      },
    });
    if (released.length > 0) this.#options.metrics.released(released.length);
    for (const { record } of released) this.#publish(record);
    return released;
  }

  /**
   * Records what an agent says. No function waits here: most of what is
   * written is this, and what waits is in memory until then.
   *
   * @throws {TransporterError} `superseded`, `store_unavailable`; the status is not recorded then.
   */
  status(
    tenant: string,
    frame: StatusUpdateFrame,
    fence: Fence,
  ): Promise<StatusOutcome> {
    this.#heard++;
    const { event_id: id, agent_id: agent, phase, state } = frame;
    const isKnown = isEventId(id);
    if (!isKnown || agent !== "" && agent !== fence.agent) {
      const outcome = this.#counted(isKnown ? "foreign" : "unknown_event");
      return Promise.resolve(outcome);
    }
    if (phase !== "interrupted" && state !== "failed") {
      return this.#report(tenant, frame, fence);
    }
    const spec = () => this.#options.store.getSpec(tenant, id);
    return this.#kinds.repeats(frame, spec).then((repeatable) => {
      const jitter = this.#options.rng.next();
      return this.#report(tenant, frame, fence, { repeatable, jitter });
    });
  }

  #report(
    tenant: string,
    frame: StatusUpdateFrame,
    fence: Fence,
    { repeatable, jitter } = { repeatable: false, jitter: 0 },
  ): Promise<StatusOutcome> {
    const now = this.#options.clock.now();
    const status = readReport(frame, { agent: fence.agent, now });
    let outcome: StatusOutcome = "recorded";
    return this.change(tenant, frame.event_id, (record) => {
      const verdict = report(record, { status, repeatable, jitter, now });
      const isIgnored = typeof verdict === "string";
      outcome = isIgnored ? verdict : "recorded";
      return isIgnored ? undefined : verdict;
    }, fence).then((step) => this.#counted(step ? outcome : "unknown_event"));
  }

  #counted(outcome: StatusOutcome): StatusOutcome {
    if (outcome === "recorded") this.#options.metrics.statuses(1);
    else this.#options.metrics.ignored(outcome);
    return outcome;
  }

  /**
   * Records that an agent does not take an event.
   *
   * @param released The event, as it was sent.
   * @param refusal Why, whether to send it again later, and who was told.
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
    const now = this.#options.clock.now();
    const { code, message } = error;
    await this.change(
      tenant,
      spec.id,
      (record) => refuse(record, { seq, error: { code, message }, again, now }),
      fence,
    );
  }

  /**
   * Gives up every attempt of an agent whose memory of them is lost: nobody
   * knows how far they came.
   *
   * @param tenant Whose agent it is.
   * @param agent The agent.
   * @param options `message`: what happened, for people; `final`: none is made again; `fence`: on whose behalf.
   * @throws {TransporterError} `superseded`, `store_unavailable`; call it again then.
   */
  async interrupted(
    tenant: string,
    agent: string,
    { message, final = false, fence }: {
      readonly message: string;
      readonly final?: boolean;
      readonly fence?: Fence | undefined;
    },
  ): Promise<void> {
    const now = this.#options.clock.now();
    for (
      const { spec } of await this.#options.store.listReleased(tenant, agent)
    ) {
      const repeatable = this.#kinds.repeatable(spec);
      await this.change(tenant, spec.id, (record) =>
        interrupt(record, {
          repeatable,
          final,
          begun: record.state === "in_progress",
          message,
          now,
        }), fence);
    }
  }

  /**
   * Applies a rule to an event, as one step; for those who have a rule that no
   * other method has.
   *
   * @param tenant Whose event it is.
   * @param id The event.
   * @param decide The rule. Pure, may be called again; `undefined` for "no change".
   * @param fence The session on whose behalf it is.
   * @returns `undefined` when there is no such event.
   * @throws {TransporterError} `superseded`, `store_unavailable`.
   */
  change(
    tenant: string,
    id: string,
    decide: (record: EventRecord) => EventChange | undefined,
    fence?: Fence,
  ): Promise<Step | undefined> {
    let before: State = "created";
    const write = this.#options.store.changeEvent(tenant, id, (record) => {
      before = record.state;
      const change = decide(record);
      return change && bounded(record, change);
    }, fence);
    return write.then((step) => {
      if (step?.changed) this.#changed(before, step.record);
      return step;
    }, (reason) => this.#failed(tenant, reason));
  }

  #changed(before: State, record: EventRecord): void {
    const { quota, metrics } = this.#options;
    const { state, spec } = record;
    if (isTerminal(before)) quota.add(record);
    if (isTerminal(state)) {
      quota.remove(record);
      metrics.ended(spec.type, state);
    } else if (state === "queued" && isReleased(before)) {
      metrics.requeued(spec.type);
    }
    this.#publish(record);
  }

  #publish(record: EventRecord): void {
    this.#options.changes.notify();
    this.audience.tell(record);
  }
}
