import {
  type Clock,
  type Delivery,
  formatTime,
  Link,
  type Logger,
  type Message,
  parseTime,
  type RegistrationFrame,
  TransporterError,
  type WelcomeFrame,
  type Wire,
} from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import { register } from "./handshake.ts";
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
  /** For the operator. */
  readonly log: Logger;
  /** Called when the control plane took the agent. */
  readonly registered: (welcome: WelcomeFrame | undefined) => void;
  /** Called when the journal fails. */
  readonly failed: (reason: unknown) => void;
  /** Ends the session, politely. */
  readonly signal: AbortSignal;
}

/** What an agent tells of itself. */
export interface Figures {
  /** The state of its link. */
  readonly link: Readonly<Record<string, unknown>>;
  /** What it does. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** How a session ended. */
export interface SessionEnd {
  /** Why; `undefined` when it was closed without a reason. */
  readonly error: TransporterError | undefined;
  /** How long it was registered, in milliseconds; 0 when it never was. */
  readonly livedMs: number;
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

/** Heartbeats never come closer than this, in milliseconds, whatever the control plane asks for. */
const HEARTBEAT_MS_MIN = 100;

/** A heartbeat that may still be answered. */
interface Asked {
  readonly timestamp: string;
  readonly at: number;
}

class Session {
  readonly #link: Link;
  readonly #options: SessionOptions;
  readonly #over = new AbortController();
  #welcome: WelcomeFrame | undefined;
  #registeredAt: number | undefined;
  #asked: Asked | undefined;

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
    return { error: error ?? await this.#link.closed, livedMs };
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
    if (welcome !== undefined) {
      this.#measure(welcome.server_time, askedAt);
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
    this.#beat();
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
      case "heartbeat_ack":
        if (message.timestamp === this.#asked?.timestamp) {
          this.#measure(message.server_time, this.#asked.at);
        }
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

  #measure(serverTime: string, askedAt: number): void {
    const at = parseTime(serverTime);
    if (at !== undefined) this.#options.controlPlaneClock.measured(at, askedAt);
  }

  /** Sends heartbeats, and closes when a v2 control plane has been silent for too long; a v1 one always is. */
  async #beat(): Promise<void> {
    const { clock } = this.#options;
    const { heartbeat_ms: wantedMs = Infinity, idle_ms: silenceMs = Infinity } =
      this.#welcome ?? {};
    const everyMs = Math.max(
      HEARTBEAT_MS_MIN,
      Math.min(this.#options.heartbeatMs, wantedMs),
    );
    const idleMs = Math.max(HEARTBEAT_MS_MIN, silenceMs);
    let dueAt = clock.monotonic() + everyMs;
    try {
      while (true) {
        const now = clock.monotonic();
        const idleAt = this.#link.receivedAt + idleMs;
        if (now >= idleAt) return await this.#link.close(silent(idleMs));
        if (now >= dueAt) {
          dueAt = now + everyMs;
          await this.#link.send(this.#heartbeat());
        }
        await clock.sleep(Math.min(dueAt, idleAt) - now, {
          signal: this.#over.signal,
        });
      }
    } catch (reason) {
      // Only the end of the session ends it.
      if (this.#over.signal.aborted) return;
      await this.#link.close(TransporterError.from(reason));
    }
  }

  #heartbeat(): Message {
    const { clock, figures } = this.#options;
    const timestamp = formatTime(clock.now());
    if (this.#welcome === undefined) {
      return { type: "heartbeat", timestamp, metrics: {} };
    }
    this.#asked = { timestamp, at: clock.monotonic() };
    return { type: "heartbeat", timestamp, ...figures() };
  }
}

function silent(idleMs: number): TransporterError {
  return new TransporterError(
    "timeout",
    `Cannot go on as the control plane was silent for ${idleMs} ms`,
  );
}
