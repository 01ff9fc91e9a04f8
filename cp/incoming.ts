import {
  type AgentFigures,
  type Delivery,
  type ErrorFrame,
  formatTime,
  type HeartbeatFrame,
  type LinkFeature,
  type LogFields,
  type Logger,
  type Message,
  type StatusDelivery,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import { figuresOf } from "./agent_figures.ts";
import type { Backlog } from "./backlog.ts";
import type { Dispatch } from "./dispatch.ts";
import { cancelUnknown } from "./life.ts";
import { LogFlow } from "./log_flow.ts";
import type { StatusOutcome } from "./recorder.ts";
import type { SessionOptions } from "./session.ts";
import { StatusFlow } from "./status_flow.ts";
import type { Fence } from "./store/store.ts";

/** Milliseconds between notes of a sign of life in the store. */
const TOUCH_MS = 60_000;

/** Statuses that an agent may send beyond the last that was taken. */
const FLOW_SIDS = 4096;

/** Lines in the log about what an agent should not have sent, per session. */
const STRAYS_LOGGED_MAX = 10;

/** Options of {@linkcode Incoming}. */
export interface IncomingOptions extends SessionOptions {
  /** What both ends of the link can do. */
  readonly features: ReadonlySet<LinkFeature>;
  /** For what happens in this session. */
  readonly log: Logger;
  /** Ends the session, as it cannot go on. */
  readonly failed: (error: TransporterError) => void;
}

/** What one agent says, from its greeting to the end of its link. */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #statuses: StatusFlow;
  /** Where output goes, once there is some: most agents have none. */
  #logs: LogFlow | undefined;
  readonly #fence: Fence;
  /** Who sends events to the agent, once somebody does. */
  dispatch: Dispatch | undefined;
  /** Whether the store has all that the agent remembers. */
  #told = false;
  #touchedAt: number;
  /** The highest number of a status that the agent may send; 0 before the first is given. */
  #limitSid = 0;
  /** Whether a status came since the last heartbeat. */
  #heard = false;
  /** What the agent said of itself last. */
  #figures: AgentFigures | undefined;
  #strays = 0;

  /** Makes one that has heard nothing. */
  constructor(options: IncomingOptions) {
    const { recorder, tenant, agent, clock, failed } = options;
    this.#options = options;
    this.#fence = { agent: agent.id, gen: agent.gen };
    this.#touchedAt = clock.monotonic();
    this.#statuses = new StatusFlow({
      recorder,
      tenant,
      agent: agent.id,
      gen: agent.gen,
      ignored: (frame, outcome) => this.#ignored(frame, outcome),
      failed,
    });
  }

  /**
   * Takes a message; returns what to wait for, if anything, as while too much is on its way to the store.
   *
   * @throws {TransporterError} `bad_frame`, `superseded`, `store_unavailable`: the session cannot go on.
   */
  take(delivery: Delivery<Message>): Promise<void> | undefined {
    const { value } = delivery;
    if (value.type !== "status_update") return this.#takeOther(value);
    this.#allow(value.sid);
    return this.#statuses.take(delivery as StatusDelivery);
  }

  async #takeOther(value: Message): Promise<void> {
    const { features, link } = this.#options;
    switch (value.type) {
      case "heartbeat":
        return this.#beat(value);
      case "credit":
        if (features.has("credit")) this.dispatch?.credit(value.limit_seq);
        return;
      case "backlog_request":
        return this.#backlog();
      case "error":
        return await this.#hear(value);
      case "log":
        if (features.has("logs")) this.#output().take(value);
        return;
      case "bye":
        return await link.close();
      default:
        throw new TransporterError(
          "bad_frame",
          `Cannot take a "${value.type}" frame from a registered agent`,
        );
    }
  }

  #output(): LogFlow {
    return this.#logs ??= new LogFlow({
      ...this.#options,
      fence: this.#fence,
      done: (upto) => {
        if (!this.#options.features.has("log_ack")) return;
        this.#tell({ type: "log_ack", upto });
      },
      foreign: (id) =>
        this.#stray("Output is not this agent's to send", { event: id }),
    });
  }

  /** The agent asks what waits for it; nobody can say before there is somebody who sends. */
  #backlog(): void {
    const tell = (backlog: Backlog) =>
      this.#tell({ type: "backlog", ...backlog });
    if (this.dispatch === undefined) tell({ waiting: true });
    else this.dispatch.ask(tell);
  }

  /** Notes that the store has all that the agent remembers. */
  fits(): void {
    this.#told = true;
    this.#options.fits();
  }

  /** What the agent said of itself with its last heartbeat, if anything. */
  get figures(): AgentFigures | undefined {
    return this.#figures;
  }

  /** Resolves when all statuses that were taken are recorded. */
  async settled(): Promise<void> {
    await this.#statuses.idle();
  }

  /** Resolves when all that was taken is written, the last sign of life too. Once, at the end. */
  async finish(): Promise<void> {
    await this.#statuses.idle();
    await this.#logs?.finish();
    await this.#touch();
  }

  /** The agent says that something is wrong. */
  async #hear(frame: ErrorFrame): Promise<void> {
    const { recorder, tenant, clock } = this.#options;
    const id = frame.ref?.["event_id"];
    const error = TransporterError.fromBody(frame);
    if (
      error.code === "unknown_event" && typeof id === "string" &&
      this.dispatch?.withheld(id)
    ) {
      const now = clock.now();
      await recorder.change(
        tenant,
        id,
        (record) => cancelUnknown(record, now),
        this.#fence,
      );
      return;
    }
    this.#stray("Agent reports an error", { error, ref: frame.ref });
  }

  /** Lets statuses come as they are taken: when the store is slow, the agent holds back. */
  #allow(sid: number | undefined): void {
    this.#heard = true;
    if (sid === undefined || sid + FLOW_SIDS / 2 <= this.#limitSid) return;
    this.#limit(sid + FLOW_SIDS);
  }

  #limit(limitSid: number): void {
    if (!this.#options.features.has("credit")) return;
    this.#limitSid = limitSid;
    this.#tell({ type: "flow", limit_sid: limitSid });
  }

  /** An agent that has statuses and sends none has left out numbers up to beyond the limit. */
  #unblock({ metrics }: HeartbeatFrame): void {
    const waits = Number(metrics?.["unacknowledged"]) > 0;
    const silent = waits && !this.#heard && this.#statuses.running === 0;
    this.#heard = false;
    if (silent && this.#limitSid > 0) this.#limit(Number.MAX_SAFE_INTEGER);
  }

  #beat(frame: HeartbeatFrame): void {
    const { clock } = this.#options;
    const { timestamp } = frame;
    const spreadMs = this.#options.spreadMs();
    this.#unblock(frame);
    this.#figures = figuresOf(frame, clock.now());
    this.#tell({
      type: "heartbeat_ack",
      timestamp: timestamp.slice(0, 64),
      server_time: formatTime(clock.now()),
      ...(spreadMs === 0 ? {} : { spread_ms: spreadMs }),
    });
    if (clock.monotonic() - this.#touchedAt < TOUCH_MS) return;
    this.#touchedAt = clock.monotonic();
    this.#touch();
  }

  async #touch(): Promise<void> {
    const { store, tenant, clock, log } = this.#options;
    const sid = this.#statuses.durableSid;
    try {
      await store.touchAgent(
        tenant,
        sid === undefined ? this.#fence : { ...this.#fence, sid },
        { at: clock.now(), told: this.#told },
      );
    } catch (error) {
      // A sign of life is told again within a minute.
      log.warn("Cannot note a sign of life", { error });
    }
  }

  /** Says something that needs no answer; v1 agents are told nothing but events. */
  #tell(message: Message): void {
    const { link, agent, failed } = this.#options;
    if (agent.linkVersion === 1) return;
    link.send(message).catch((reason) => failed(TransporterError.from(reason)));
  }

  #stray(message: string, fields: LogFields): void {
    if (this.#strays++ >= STRAYS_LOGGED_MAX) return;
    this.#options.log.warn(message, fields);
  }

  #ignored(frame: StatusUpdateFrame, outcome: StatusOutcome): void {
    const id = frame.event_id.slice(0, 128);
    if (outcome !== "foreign" && outcome !== "unknown_event") return;
    const foreign = outcome === "foreign";
    this.#stray("Status is not this agent's to send", { event: id, outcome });
    this.#tell({
      type: "error",
      code: foreign ? "denied" : "unknown_event",
      message: foreign
        ? `Cannot take the status as event "${id}" is not yours`
        : `Cannot take the status as there is no event "${id}"`,
      ref: { event_id: id },
      fatal: false,
    });
  }
}
