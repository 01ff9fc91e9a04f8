import {
  type CancelFrame,
  type Clock,
  type Delivery,
  type DrainFrame,
  Link,
  type Logger,
  type Message,
  type RegistrationFrame,
  TransporterError,
  type WelcomeFrame,
  type Wire,
} from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import { register } from "./handshake.ts";
import { type Figures, Heartbeats } from "./heartbeats.ts";
import type { Inbox } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";

/** What a session needs of the agent. */
export interface SessionOptions {
  /** Makes the registration; called once per session. */
  readonly registration: () => RegistrationFrame;
  /** Where events go. */
  readonly inbox: Inbox;
  /** Where statuses come from. */
  readonly outbox: Outbox;
  /** What the agent tells of itself with each heartbeat. */
  readonly figures: () => Figures;
  /** The longest time between two heartbeats, in milliseconds. */
  readonly heartbeatMs: number;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Learns the control plane's time. */
  readonly controlPlaneClock: ControlPlaneClock;
  /** Called when the control plane has told its time. */
  readonly measured: () => void;
  /** For the operator. */
  readonly log: Logger;
  /** Called when the control plane took the agent. */
  readonly registered: (welcome: WelcomeFrame | undefined) => void;
  /** Called when the journal fails. */
  readonly failed: (reason: unknown) => void;
  /** Ends the session, politely. */
  readonly signal: AbortSignal;
}

/** How a session ended. */
export interface SessionEnd {
  /** Why; `undefined` when it was closed without a reason. */
  readonly error: TransporterError | undefined;
  /** How long it was registered, in milliseconds; 0 when it never was. */
  readonly livedMs: number;
  /** When to come back, in milliseconds from now, if the control plane asked for it: then its end is no failure. */
  readonly away?:
    | { readonly afterMs: number; readonly jitterMs: number }
    | undefined;
}

/**
 * Holds one conversation with the control plane, from the registration to the
 * end of the wire. Resolves when it is over, never rejects.
 *
 * @param wire An open wire; closed at the end.
 * @param options What it needs of the agent.
 */
export async function converse(
  wire: Wire,
  options: SessionOptions,
): Promise<SessionEnd> {
  const session = new Session(new Link(wire, options), options);
  return await session.run();
}

/** The longest that a control plane may keep an agent away, in milliseconds. */
const AWAY_MS_MAX = 5 * 60_000;

class Session {
  readonly #link: Link;
  readonly #options: SessionOptions;
  readonly #over = new AbortController();
  #welcome: WelcomeFrame | undefined;
  #registeredAt: number | undefined;
  #heartbeats: Heartbeats | undefined;
  #drained: DrainFrame | undefined;

  constructor(link: Link, options: SessionOptions) {
    this.#link = link;
    this.#options = options;
  }

  async run(): Promise<SessionEnd> {
    const { outbox, clock, signal } = this.#options;
    const leave = () => this.#leave();
    signal.addEventListener("abort", leave, { once: true });
    let error: TransporterError | undefined;
    try {
      await this.#talk();
    } catch (reason) {
      error = TransporterError.from(reason);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#over.abort();
      outbox.detach(this.#link);
    }
    await this.#link.close(error);
    const livedMs = this.#registeredAt === undefined
      ? 0
      : clock.monotonic() - this.#registeredAt;
    error ??= await this.#link.closed;
    return { error, livedMs, away: this.#away() };
  }

  async #talk(): Promise<void> {
    const { clock, outbox, inbox, failed } = this.#options;
    const messages = this.#link.receive()[Symbol.asyncIterator]();
    const askedAt = clock.monotonic();
    const registration = this.#options.registration();
    const welcome = await register(this.#link, messages, {
      registration,
      clock,
    });
    this.#registeredAt = clock.monotonic();
    this.#welcome = welcome;
    const heartbeats = this.#heartbeats = new Heartbeats({
      ...this.#options,
      link: this.#link,
      welcome,
      askedAt,
    });
    if (welcome !== undefined) {
      this.#link.upgrade({
        epoch: welcome.epoch,
        frameBytesMax: welcome.max_frame,
      });
    }
    outbox.attach({
      link: this.#link,
      version: welcome === undefined ? 1 : 2,
      statusUpto: welcome?.status_upto ?? 0,
    });
    if (welcome === undefined) inbox.reportInterrupted().catch(failed);
    this.#options.registered(welcome);
    heartbeats.run(this.#over.signal);
    for (
      let next = await messages.next();
      next.done !== true;
      next = await messages.next()
    ) {
      if (next.value.value.type === "bye") return;
      await this.#take(next.value);
    }
  }

  async #take(delivery: Delivery<Message>): Promise<void> {
    const { inbox, log, failed } = this.#options;
    const { value: message } = delivery;
    switch (message.type) {
      case "event":
        await inbox.take({ ...delivery, value: message }, {
          epoch: this.#welcome?.epoch,
          failed,
        });
        break;
      case "cancel":
        this.#cancel(message);
        break;
      case "drain":
        this.#drained = message;
        log.info("The control plane asks to come back later", {
          reason: message.reason,
        });
        break;
      case "renew":
        log.info("The control plane asks to renew what this version cannot", {
          what: message.what,
        });
        break;
      case "heartbeat_ack":
        this.#heartbeats?.answered(message);
        break;
      case "error":
        log.error("The control plane reports an error", {
          error: TransporterError.fromBody(message),
        });
        break;
      default:
        log.warn("A frame that agents do not get was ignored", {
          type: message.type,
        });
    }
  }

  #cancel(frame: CancelFrame): void {
    const { inbox, failed } = this.#options;
    const { event_id: id, attempt } = frame;
    try {
      inbox.cancel(frame, failed);
    } catch (reason) {
      const { code, message } = TransporterError.from(reason);
      const ref = {
        event_id: id,
        ...(attempt === undefined ? {} : { attempt }),
      };
      this.#tell({ type: "error", code, message, ref, fatal: false });
    }
  }

  /** Says something that needs no answer; lost with its link, like the question. */
  #tell(message: Message): void {
    this.#link.send(message).catch((error) => {
      this.#options.log.debug("The control plane was gone before the answer", {
        type: message.type,
        error,
      });
    });
  }

  /** How long to stay away, in milliseconds, when the control plane asked for it. */
  #away(): SessionEnd["away"] {
    if (this.#drained === undefined) return undefined;
    const { reconnect_after_ms: afterMs, jitter_ms: jitterMs } = this.#drained;
    return {
      afterMs: Math.min(afterMs, AWAY_MS_MAX),
      jitterMs: Math.min(jitterMs, AWAY_MS_MAX),
    };
  }

  /** Says goodbye and closes; what is already sent still arrives. */
  async #leave(): Promise<void> {
    try {
      if (this.#welcome !== undefined) {
        await this.#link.send({ type: "bye", reason: "shutdown" });
      }
    } catch (reason) {
      const error = TransporterError.from(reason);
      this.#options.log.debug("The control plane was gone before the goodbye", {
        error,
      });
    } finally {
      await this.#link.close();
    }
  }
}
