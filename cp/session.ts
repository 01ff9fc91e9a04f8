import {
  type Clock,
  type Delivery,
  type ErrorCode,
  formatTime,
  type HeartbeatFrame,
  type Link,
  type LogFields,
  type Logger,
  type Message,
  type StatusDelivery,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import type { Dispatcher } from "./dispatcher.ts";
import { type Agreement, replyTo, welcomeTo } from "./handshake.ts";
import type { Metrics } from "./metrics_port.ts";
import type { Recorder, StatusOutcome } from "./recorder.ts";
import { StatusFlow } from "./status_flow.ts";
import type { Fence, Store } from "./store/store.ts";
import { watch } from "./watch.ts";

/** Milliseconds between notes of a sign of life in the store (decisions.md 16). */
const TOUCH_MS = 60_000;

/** Milliseconds that a farewell may take. */
const BYE_MS_MAX = 1000;

/** Lines in the log about what an agent should not have sent, per session. */
const STRAYS_LOGGED_MAX = 10;

/** Reasons for the end of a session that the agent is told as they are. */
const PASSED_ON: ReadonlySet<ErrorCode> = new Set([
  "superseded",
  "bad_frame",
  "unavailable",
  "timeout",
]);

/** Figures of sessions. */
export interface SessionConfig {
  /** Events that an agent may have at a time; an agent may ask for fewer. */
  readonly windowMax: number;
  /** Milliseconds between heartbeats that agents are asked for. */
  readonly heartbeatMs: number;
  /** Milliseconds without any frame after which a session is over. */
  readonly idleMs: number;
}

/** What sessions work with. */
export interface SessionPorts {
  /** Where signs of life are noted. */
  readonly store: Store;
  /** Who records statuses. */
  readonly recorder: Recorder;
  /** Who sends events. */
  readonly dispatcher: Dispatcher;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For what happens. */
  readonly log: Logger;
  /** What counts sessions. */
  readonly metrics: Metrics;
  /** Figures. */
  readonly config: SessionConfig;
}

/** Options of {@linkcode Session}. */
export interface SessionOptions extends SessionPorts, Agreement {
  /** Whose agent it is. */
  readonly tenant: string;
  /** The conversation. */
  readonly link: Link;
}

/** The conversation with one agent, from its registration to the end of its link. */
export class Session {
  readonly #options: SessionOptions;
  readonly #log: Logger;
  readonly #statuses: StatusFlow;
  readonly #over = new AbortController();
  readonly #done = Promise.withResolvers<void>();
  #reason: TransporterError | undefined;
  #touchedAt: number;
  #dispatching: Promise<void> = Promise.resolve();
  #failed = false;
  #strays = 0;

  /** Resolves when the session is over and all it began to write is written. */
  readonly done: Promise<void> = this.#done.promise;

  /** Makes a session; `run` begins it. */
  constructor(options: SessionOptions) {
    const { tenant, agent, log, clock } = options;
    this.#options = options;
    this.#log = log.with({ agent: agent.id, gen: agent.gen });
    this.#touchedAt = clock.monotonic();
    this.#statuses = new StatusFlow({
      recorder: options.recorder,
      tenant,
      agent: agent.id,
      gen: agent.gen,
      ignored: (frame, outcome) => this.#ignored(frame, outcome),
      failed: (error) => void this.#fail(error),
    });
  }

  /** Greets the agent, sends events and takes statuses until the link ends. Once; never rejects. */
  async run(): Promise<void> {
    const { link, metrics, agent, clock, config } = this.#options;
    metrics.sessionsOpen(1);
    this.#log.info("Session begins", { link: agent.linkVersion });
    const { signal } = this.#over;
    watch(link, { clock, idleMs: config.idleMs, signal }).then((gone) => {
      if (gone !== undefined) this.close(gone);
    });
    try {
      await this.#greet();
      for await (const delivery of link.receive()) {
        if (this.#failed) break;
        await this.#take(delivery);
      }
    } catch (reason) {
      await this.#fail(TransporterError.from(reason));
    }
    const code = await this.#finish();
    metrics.sessionsOpen(-1);
    metrics.sessionEnded(code);
    this.#log.info("Session is over", { reason: code });
    this.#done.resolve();
  }

  /** Ends the session, telling the agent why. Idempotent: the first reason counts. */
  async close(reason: TransporterError): Promise<void> {
    this.#reason ??= reason;
    await this.#options.link.close(this.#reason);
  }

  /** Says goodbye, then closes: the agent is to come back, here or elsewhere. */
  async drain(reason: string): Promise<void> {
    const { link, clock, agent } = this.#options;
    if (agent.linkVersion === 2) {
      const said = new AbortController();
      const bye = link.send({ type: "bye", reason });
      await Promise.race([
        bye.catch(() => {}), // the link is over already
        clock.sleep(BYE_MS_MAX, { signal: said.signal }).catch(() => {}),
      ]);
      said.abort();
    }
    await this.close(
      new TransporterError("unavailable", `Control plane closes: ${reason}`),
    );
  }

  async #greet(): Promise<void> {
    const { link, agent, tenant, dispatcher, clock, config } = this.#options;
    const offer = this.#options.registration.link;
    const version = agent.linkVersion;
    await link.send(replyTo(this.#options));
    const asked = version === 1 ? 1 : Math.max(1, offer?.window ?? 1);
    const window = Math.min(asked, config.windowMax);
    const dispatch = await dispatcher.open({
      tenant,
      agent: agent.id,
      gen: agent.gen,
      version,
      window,
      link,
      failed: (error) => void this.#fail(error),
    });
    if (version === 2) {
      const { seqMin } = dispatch;
      await link.send(
        welcomeTo(this.#options, { ...config, seqMin, now: clock.now() }),
      );
      link.upgrade({
        epoch: agent.epoch,
        frameBytesMax: offer?.max_frame ?? 0,
      });
    }
    this.#dispatching = dispatch.run();
  }

  async #take(delivery: Delivery<Message>): Promise<void> {
    const { value } = delivery;
    switch (value.type) {
      case "status_update":
        return await this.#statuses.take(delivery as StatusDelivery);
      case "heartbeat":
        return this.#beat(value);
      case "error": {
        const error = TransporterError.fromBody(value);
        this.#stray("Agent reports an error", { error, ref: value.ref });
        return;
      }
      case "bye":
        return await this.#options.link.close();
      default:
        throw new TransporterError(
          "bad_frame",
          `Cannot take a "${value.type}" frame from a registered agent`,
        );
    }
  }

  #beat({ timestamp }: HeartbeatFrame): void {
    const { clock } = this.#options;
    this.#tell({
      type: "heartbeat_ack",
      timestamp: timestamp.slice(0, 64),
      server_time: formatTime(clock.now()),
    });
    if (clock.monotonic() - this.#touchedAt < TOUCH_MS) return;
    this.#touchedAt = clock.monotonic();
    this.#touch();
  }

  async #touch(): Promise<void> {
    const { store, tenant, agent, clock } = this.#options;
    const sid = this.#statuses.durableSid;
    const fence: Fence = { agent: agent.id, gen: agent.gen };
    try {
      await store.touchAgent(
        tenant,
        sid === undefined ? fence : { ...fence, sid },
        clock.now(),
      );
    } catch (error) {
      // A sign of life is told again within a minute.
      this.#log.warn("Cannot note a sign of life", { error });
    }
  }

  /** Says something that needs no answer; v1 agents are told nothing but events. */
  #tell(message: Message): void {
    const { link, agent } = this.#options;
    if (agent.linkVersion === 1) return;
    link.send(message).catch((reason) =>
      this.#fail(TransporterError.from(reason))
    );
  }

  #stray(message: string, fields: LogFields): void {
    if (this.#strays++ < STRAYS_LOGGED_MAX) this.#log.warn(message, fields);
  }

  #ignored(frame: StatusUpdateFrame, outcome: StatusOutcome): void {
    const id = frame.event_id.slice(0, 128);
    if (outcome !== "foreign" && outcome !== "unknown_event") return;
    const foreign = outcome === "foreign";
    this.#log.warn("Status is not this agent's to send", {
      event: id,
      outcome,
    });
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

  /** Ends the session because of something that went wrong here or there. */
  async #fail(error: TransporterError): Promise<void> {
    const { code } = error;
    this.#failed = true;
    if (code === "internal") this.#log.error("Session fails", { error });
    await this.close(PASSED_ON.has(code) ? error : comeBack(error));
  }

  async #finish(): Promise<ErrorCode | "closed"> {
    const { link } = this.#options;
    this.#over.abort();
    await link.close(this.#reason);
    await this.#statuses.idle();
    await this.#dispatching;
    await this.#touch();
    return (this.#reason ?? await link.closed)?.code ?? "closed";
  }
}

/** What the agent is told when the fault is not its own. */
function comeBack(cause: TransporterError): TransporterError {
  const [code, message] = cause.code === "exhausted"
    ? ["slow_down", "Agent reads too slowly"] as const
    : cause.code === "store_unavailable"
    ? ["unavailable", "Control plane cannot store anything now"] as const
    : ["unavailable", "Control plane cannot go on with the session"] as const;
  return new TransporterError(code, `${message}, come back later`, { cause });
}
