import {
  type Clock,
  CREATED_AHEAD_MS_MAX,
  type Delivery,
  eventDigest,
  type EventFrame,
  type EventSpec,
  type Executor,
  isEventId,
  isRecord,
  type Logger,
  parseTime,
  readFrameEvent,
  TransporterError,
} from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import { interrupted } from "./recover.ts";
import type { Runner } from "./runner.ts";
import { lastStatus } from "./status.ts";
import { prepare } from "./work.ts";

/** Options of {@linkcode Inbox}. */
export interface InboxOptions {
  /** Whose events these are; others are refused. */
  readonly agentId: string;
  /** Who runs what. */
  readonly executors: readonly Executor[];
  /** What is known of earlier deliveries. */
  readonly journal: Journal;
  /** Where answers go that are statuses. */
  readonly outbox: Outbox;
  /** Where work goes. */
  readonly runner: Runner;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The time that deadlines are kept by. */
  readonly controlPlaneClock: ControlPlaneClock;
  /** For the operator. */
  readonly log: Logger;
}

/** An event that can be run here. */
interface ReadEvent {
  readonly spec: EventSpec;
  readonly executor: Executor;
  readonly digest: string;
}

/**
 * Decides what a delivered event means: new work, something that is known and
 * only acknowledged, or something that is refused. An event is acknowledged
 * once the journal has it, and started at most once per attempt, however often
 * it is delivered.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #executors: ReadonlyMap<string, Executor>;
  #stopped = false;

  /** Makes an inbox. */
  constructor(options: InboxOptions) {
    this.#options = options;
    this.#executors = new Map(
      options.executors.map((executor) => [executor.info.type, executor]),
    );
  }

  /** Takes nothing any more; what is not acknowledged comes again over the next link. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Takes a delivery. Resolves when the next one may be taken, which keeps
   * their order, and before this one is durable.
   *
   * @param delivery The event.
   * @param epoch The stream it came from; `undefined` from a v1 control plane.
   * @param failed Called when the journal fails.
   */
  async take(
    delivery: Delivery<EventFrame>,
    { epoch, failed }: {
      readonly epoch: string | undefined;
      readonly failed: (reason: unknown) => void;
    },
  ): Promise<void> {
    const { value: frame } = delivery;
    let event: ReadEvent;
    try {
      event = this.#read(frame);
    } catch (reason) {
      this.#refuse(delivery, TransporterError.from(reason));
      return;
    }
    const { spec, executor, digest } = event;
    const prepared = await prepare(executor, spec);
    // From here to the journal nothing waits: the order of deliveries is the order of starts.
    if (this.#stopped) return;
    const { journal, outbox, runner } = this.#options;
    const known = journal.get(spec.id);
    const attempt = frame.attempt ?? known?.attempt ?? 1;
    if (known !== undefined && known.digest !== digest) {
      this.#refuse(
        delivery,
        new TransporterError(
          "id_conflict",
          `Cannot take event "${spec.id}" as another event of this id was taken before`,
        ),
      );
      return;
    }
    if (known === undefined || attempt >= known.attempt) {
      const { seq } = frame;
      const at = epoch === undefined || seq === undefined ? {} : { epoch, seq };
      const deadline = this.#deadlineOf(frame, spec);
      const stage = known?.attempt === attempt ? known.stage : "received";
      if (
        stage === "received" || known?.seq !== seq || known?.epoch !== epoch
      ) {
        journal.arrive({ id: spec.id, attempt, digest, deadline, ...at });
      }
      if (stage === "finished") outbox.repeat(spec.id);
      else if (!runner.holds(spec.id, attempt)) {
        const begun = stage === "begun";
        runner.add({
          spec,
          attempt,
          seq,
          deadline,
          begun,
          executor,
          ...prepared,
        });
      }
    }
    journal.durable().then(() => delivery.ack(), failed);
  }

  /**
   * Reports attempts that an earlier process began and that a v1 control plane
   * will not send again.
   */
  async reportInterrupted(): Promise<void> {
    const { journal, outbox, runner, agentId, clock } = this.#options;
    for (const { id, attempt, stage } of [...journal.entries()]) {
      if (stage !== "begun" || runner.holds(id)) continue;
      const work = { spec: { id }, attempt, repeatable: false };
      await outbox.record(interrupted(work, { agentId, at: clock.now() }));
    }
  }

  #read(frame: EventFrame): ReadEvent {
    const { agentId, clock } = this.#options;
    const spec = readFrameEvent(frame.event, clock.now());
    if (spec.target_agent !== agentId) {
      throw new TransporterError(
        "invalid",
        `Cannot take event "${spec.id}" as it is for agent "${spec.target_agent}": this is agent "${agentId}"`,
      );
    }
    const executor = this.#executors.get(spec.type);
    if (executor === undefined) {
      const types = [...this.#executors.keys()].map((type) => `"${type}"`).join(
        ", ",
      );
      throw new TransporterError(
        "unsupported",
        `Cannot run event "${spec.id}" of type "${spec.type}": this agent runs ${types}`,
      );
    }
    return { spec, executor, digest: eventDigest(spec) };
  }

  /** The control plane's own deadline, or what the ttl makes of the time of its making; never later than from now. */
  #deadlineOf(frame: EventFrame, spec: EventSpec): number {
    const now = this.#options.controlPlaneClock.now();
    const deadline = frame.deadline === undefined
      ? undefined
      : parseTime(frame.deadline);
    if (deadline !== undefined) return deadline;
    const raw: unknown = frame.event.created_at;
    const created = typeof raw === "string" ? parseTime(raw) : undefined;
    // Go's zero time is negative; a time ahead of ours would let the event live for ever.
    const believable = created !== undefined && created > 0 &&
      created <= now + CREATED_AHEAD_MS_MAX;
    return (believable ? created : now) + spec.ttl / 1e6;
  }

  /** Answers an event that is not taken, so that nobody waits for it. */
  #refuse(delivery: Delivery<EventFrame>, error: TransporterError): void {
    const { journal, outbox, agentId, clock, log } = this.#options;
    const { event, seq, attempt = 1 } = delivery.value;
    const id: unknown = isRecord(event) ? event.id : undefined;
    log.warn("Event was refused", { event_id: id, error });
    if (seq !== undefined) {
      delivery.nack(error);
      return;
    }
    // To a v1 control plane a status is the only answer there is. One about an id that is known
    // would speak of the other event.
    if (
      typeof id !== "string" || !isEventId(id) || journal.get(id) !== undefined
    ) return;
    const status = {
      id,
      agentId,
      attempt,
      phase: "failed" as const,
      error: error.toJSON(),
    };
    outbox.tell(lastStatus({ ...status, at: clock.now() }));
  }
}
