import {
  type CancelFrame,
  type Clock,
  type Delivery,
  eventDigest,
  type EventFrame,
  type EventSpec,
  type Executor,
  isEventId,
  isRecord,
  type Logger,
  readFrameEvent,
  retryAfterMs,
  TransporterError,
} from "@transporter/sdk";
import { Asking } from "./asking.ts";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import { Gate } from "./gate.ts";
import type { Journal } from "./journal.ts";
import type { JournalEntry } from "./journal_record.ts";
import type { Outbox } from "./outbox.ts";
import type { Places } from "./places.ts";
import { interrupted } from "./recover.ts";
import type { Runner } from "./runner.ts";
import { lastStatus } from "./status.ts";
import { deadlineOf, type Prepared, type Work } from "./work.ts";

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
  /** Whether it is known where the agent works. */
  readonly places: Places;
  /** For the operator. */
  readonly log: Logger;
}

/** What is left of an attempt that an earlier process began, once its body is gone. */
function forgotten({ id, attempt }: JournalEntry) {
  return { spec: { id }, attempt, repeatable: false };
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
  readonly #gate: Gate;
  readonly #asking: Asking;
  #stopped = false;
  /** Why an event was refused for now, the last time. */
  refusal: TransporterError | undefined;

  /** Makes an inbox. */
  constructor(options: InboxOptions) {
    this.#options = options;
    this.#gate = new Gate(options);
    this.#asking = new Asking(options);
    this.#executors = new Map(
      options.executors.map((executor) => [executor.info.type, executor]),
    );
  }

  /** A new link begins, over which comes again what was not acknowledged. */
  attach(): void {
    this.#gate.reopen();
  }

  /** Takes nothing any more; what is not acknowledged comes again over the next link. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether it takes nothing any more. */
  get stopped(): boolean {
    return this.#stopped;
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
    // A v1 control plane cannot be asked to wait: it is read no further instead.
    while (frame.seq === undefined && this.#options.runner.crowded) {
      await this.#options.runner.freed();
    }
    const asked = await this.#asking.ask(event.executor, event.spec);
    // From here to the journal nothing waits: the order of deliveries is the order of starts.
    if (this.#stopped) return;
    try {
      const { chars } = delivery;
      const facts = { ...event, ...asked.facts, epoch, chars };
      const work = this.#admit(frame, facts);
      if (work !== undefined) asked.taken(work);
    } catch (reason) {
      this.#refuse(delivery, TransporterError.from(reason));
      return;
    }
    this.#options.journal.durable().then(() => delivery.ack(), failed);
  }

  /**
   * Takes an event back: what waits is never started, what runs is aborted, and
   * the last status says what became of it. Repeating it does no harm.
   *
   * @param frame What is not wanted any more.
   * @param failed Called when the journal fails.
   * @throws {TransporterError} `unknown_event` when the agent does not have the attempt.
   */
  cancel(
    { event_id: id, attempt, reason }: CancelFrame,
    failed: (reason: unknown) => void,
  ): void {
    const { journal, outbox, runner, agentId, clock, log } = this.#options;
    const known = journal.get(id);
    if (known === undefined || (attempt ?? 0) > known.attempt) {
      throw new TransporterError(
        "unknown_event",
        `Cannot cancel event "${id.slice(0, 128)}" as it is not here`,
      );
    }
    // An attempt that another one followed is over.
    if (attempt !== undefined && attempt < known.attempt) return;
    log.info("Event is cancelled", { event_id: id, stage: known.stage });
    const error = new TransporterError(
      "cancelled",
      `Event "${id}" was cancelled${reason === "" ? "" : `: ${reason}`}`,
    );
    runner.cancel(id, error);
    const report = { agentId, at: clock.now() };
    if (known.stage === "finished") outbox.repeat(id);
    else if (known.stage === "received") {
      const last = { ...report, id, attempt: known.attempt };
      outbox.record(
        lastStatus({ ...last, phase: "cancelled", error: error.toJSON() }),
      ).catch(failed);
    } else if (!runner.holds(id, known.attempt)) {
      outbox.record(interrupted(forgotten(known), report)).catch(failed);
    }
  }

  /**
   * Reports attempts that an earlier process began and that a v1 control plane
   * will not send again.
   */
  async reportInterrupted(): Promise<void> {
    const { journal, outbox, runner, agentId, clock } = this.#options;
    for (const entry of [...journal.entries()]) {
      if (entry.stage !== "begun" || runner.holds(entry.id)) continue;
      const report = { agentId, at: clock.now() };
      await outbox.record(interrupted(forgotten(entry), report));
    }
  }

  /**
   * Notes an event and has it run, unless that was done before.
   *
   * @throws {TransporterError} `id_conflict`; for now `clock_skew` while nothing may be started,
   * `disk_full` and `exhausted` while nothing new may be noted, or too much is in hand.
   */
  #admit(
    frame: EventFrame,
    event: ReadEvent & Prepared & {
      readonly epoch: string | undefined;
      readonly chars: number;
    },
  ): Work | undefined {
    const { journal, outbox, runner } = this.#options;
    const { spec, digest, epoch, ...rest } = event;
    const { id } = spec;
    const known = journal.get(id);
    if (known !== undefined && known.digest !== digest) {
      throw new TransporterError(
        "id_conflict",
        `Cannot take event "${id}" as another event of this id was taken before`,
      );
    }
    // A control plane that was restored may not know that it made another attempt.
    const attempt = Math.max(frame.attempt ?? 1, known?.attempt ?? 1);
    const stage = known?.attempt === attempt ? known.stage : "received";
    const held = runner.holds(id, attempt);
    const isNew = stage === "received" && !held;
    const { seq } = frame;
    const refusal = isNew
      ? this.#gate.refusal(spec, seq !== undefined)
      : undefined;
    if (refusal !== undefined) throw refusal;
    const at = epoch === undefined || seq === undefined ? {} : { epoch, seq };
    const now = this.#options.controlPlaneClock.now();
    const deadline = deadlineOf(frame, spec, now);
    if (stage === "received" || known?.seq !== seq || known?.epoch !== epoch) {
      const tells = rest.executor.acknowledged && { tells: spec.type };
      journal.arrive({ id, attempt, digest, deadline, ...at, ...tells });
    }
    const begun = stage === "begun";
    if (stage === "finished") outbox.repeat(id);
    else if (!held) {
      const applied = begun ? known?.applied : undefined;
      const keys = applied === undefined ? rest.keys : rest.kept;
      const at = { spec, attempt, seq, deadline, begun, applied };
      const work = { ...rest, ...at, keys };
      runner.add(work);
      return work;
    }
    return undefined;
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

  /** Answers an event that is not taken, so that nobody waits for it. */
  #refuse(delivery: Delivery<EventFrame>, error: TransporterError): void {
    const { journal, outbox, agentId, clock, log } = this.#options;
    const { event, seq, attempt = 1 } = delivery.value;
    const id: unknown = isRecord(event) ? event.id : undefined;
    log.warn("Event was refused", { event_id: id, error });
    if (retryAfterMs(error) !== undefined) this.refusal = error;
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
