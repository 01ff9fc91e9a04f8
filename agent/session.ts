import {
  type Clock,
  IN_TIME,
  Link,
  type Logger,
  type RegistrationFrame,
  TransporterError,
  type WelcomeFrame,
  type Wire,
} from "@transporter/sdk";
import type { Backlog } from "./backlog.ts";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import { within } from "./drain.ts";
import { type Away, awayOf, Exchange } from "./exchange.ts";
import { register, SentAway } from "./handshake.ts";
import { type Figures, Heartbeats } from "./heartbeats.ts";
import type { Inbox } from "./inbox.ts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { Outputs } from "./outputs.ts";
import type { Runner } from "./runner.ts";

/** Milliseconds that a farewell may take. */
const BYE_MS_MAX = 1000;

/** What a session needs of the agent. */
export interface SessionOptions {
  /** Makes the registration; called once per session. */
  readonly registration: () => RegistrationFrame;
  /** Where events go. */
  readonly inbox: Inbox;
  /** Where statuses come from. */
  readonly outbox: Outbox;
  /** Who has events in hand. */
  readonly runner: Runner;
  /** Where output comes from. */
  readonly outputs: Outputs;
  /** What the control plane says of what waits. */
  readonly backlog: Backlog;
  /** What the agent remembers. */
  readonly journal: Journal;
  /** How many events it takes at a time. */
  readonly window: number;
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

/** How a session ended. */
export interface SessionEnd {
  /** Why; `undefined` when it was closed without a reason. */
  readonly error: TransporterError | undefined;
  /** How long it was registered, in milliseconds; 0 when it never was. */
  readonly livedMs: number;
  /** When to come back, in milliseconds from now, if the control plane asked for it: then its end is no failure. */
  readonly away?: Away | undefined;
  /** Over how many milliseconds agents spread their return, if the control plane is away afterwards. */
  readonly spreadMs?: number;
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

class Session {
  readonly #link: Link;
  readonly #options: SessionOptions;
  readonly #over = new AbortController();
  #exchange: Exchange | undefined;
  #heartbeats: Heartbeats | undefined;
  #registeredAt: number | undefined;

  constructor(link: Link, options: SessionOptions) {
    this.#link = link;
    this.#options = options;
  }

  async run(): Promise<SessionEnd> {
    const { outbox, backlog, clock, signal } = this.#options;
    const leave = () => this.#leave();
    signal.addEventListener("abort", leave, { once: true });
    let error: TransporterError | undefined;
    try {
      // It was dialled meanwhile, and nobody tells that again.
      if (signal.aborted) await this.#link.close();
      else await this.#talk();
    } catch (reason) {
      error = TransporterError.from(reason);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#over.abort(IN_TIME);
      outbox.detach(this.#link);
      backlog.detach(this.#link);
      this.#exchange?.end();
      this.#heartbeats?.end();
    }
    await this.#link.close(error);
    const livedMs = this.#registeredAt === undefined
      ? 0
      : clock.monotonic() - this.#registeredAt;
    error ??= await this.#link.closed;
    const away = error instanceof SentAway
      ? awayOf(error.drain)
      : this.#exchange?.away;
    return { error, livedMs, away, spreadMs: this.#heartbeats?.spreadMs ?? 0 };
  }

  async #talk(): Promise<void> {
    const { clock, outbox, inbox, runner, backlog, failed } = this.#options;
    const link = this.#link;
    const messages = link.receive()[Symbol.asyncIterator]();
    const askedAt = clock.monotonic();
    const registration = this.#options.registration();
    const welcome = await register(link, messages, { registration, clock });
    this.#registeredAt = clock.monotonic();
    const heartbeats = this.#heartbeats = new Heartbeats({
      ...this.#options,
      link,
      welcome,
      askedAt,
      measured: () => runner.look(),
    });
    if (welcome !== undefined) {
      link.upgrade({
        epoch: welcome.epoch,
        frameBytesMax: welcome.max_frame,
      });
    }
    const exchange = this.#exchange = new Exchange({
      ...this.#options,
      link,
      welcome,
      heartbeats,
    });
    outbox.attach({
      link,
      version: welcome === undefined ? 1 : 2,
      statusUpto: welcome?.status_upto ?? 0,
    });
    backlog.attach(link, {
      at: this.#registeredAt,
      answers: welcome?.features.includes("backlog") ?? false,
    });
    inbox.attach();
    if (welcome === undefined) inbox.reportInterrupted().catch(failed);
    this.#options.registered(welcome);
    heartbeats.run(this.#over.signal);
    for (
      let next = await messages.next();
      next.done !== true;
      next = await messages.next()
    ) {
      if (next.value.value.type === "bye") return;
      await exchange.take(next.value);
    }
  }

  /** Says goodbye and closes; what is already sent still arrives, if the far end reads it. */
  async #leave(): Promise<void> {
    const exchange = this.#exchange;
    const { clock } = this.#options;
    if (exchange) await within(exchange.sayGoodbye(), BYE_MS_MAX, clock);
    await this.#link.close();
  }
}
