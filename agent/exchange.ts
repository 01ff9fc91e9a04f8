import {
  type CancelFrame,
  type Delivery,
  type DrainFrame,
  type EventFrame,
  type InventoryRequestFrame,
  type Link,
  type LinkFeature,
  type Logger,
  type Message,
  parseTime,
  TransporterError,
  type WelcomeFrame,
} from "@transporter/sdk";
import type { Backlog } from "./backlog.ts";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import { Credit, nextSeqOf } from "./credit.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { Inbox } from "./inbox.ts";
import { inventoryPages } from "./inventory.ts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { Outputs } from "./outputs.ts";
import type { Runner } from "./runner.ts";

/** Options of {@linkcode Exchange}. */
export interface ExchangeOptions {
  /** The link, which is registered. */
  readonly link: Link;
  /** What was agreed on; `undefined` with a v1 control plane. */
  readonly welcome: WelcomeFrame | undefined;
  /** Who is told of answers to heartbeats. */
  readonly heartbeats: Heartbeats;
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
  /** Whether this machine's clock can be believed. */
  readonly controlPlaneClock: Pick<ControlPlaneClock, "fault">;
  /** How many events it takes at a time. */
  readonly window: number;
  /** For the operator. */
  readonly log: Logger;
  /** Called when the journal fails. */
  readonly failed: (reason: unknown) => void;
}

/** When to come back, in milliseconds: so long from now, and a random part of so much later. */
export interface Away {
  /** At the earliest. */
  readonly afterMs: number;
  /** How much later at most. */
  readonly jitterMs: number;
}

/** The longest that a control plane may keep an agent away, in milliseconds. */
const AWAY_MS_MAX = 5 * 60_000;

/** How long that is, if a control plane says so. */
export function awayOf(
  { reconnect_after_ms: afterMs, jitter_ms: jitterMs }: DrainFrame,
): Away {
  return {
    afterMs: Math.min(afterMs, AWAY_MS_MAX),
    jitterMs: Math.min(jitterMs, AWAY_MS_MAX),
  };
}

/** What each frame of a registered session leads to. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #credit: Credit | undefined;
  #drained: DrainFrame | undefined;

  /** Tells how many events may come, and lets output go if the control plane takes it. */
  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { inbox, runner, outputs, link, window, welcome } = options;
    const has = (name: LinkFeature) =>
      welcome?.features.includes(name) ?? false;
    outputs.attach(link, {
      takes: has("logs"),
      acknowledges: has("log_ack"),
    });
    const nextSeq = welcome === undefined ? undefined : nextSeqOf(welcome);
    if (nextSeq === undefined) return;
    const credit = this.#credit = new Credit({
      window,
      nextSeq,
      // Whoever takes nothing any more has no place: what is sent has to be sent again.
      inHand: () => inbox.stopped ? window : runner.running + runner.waiting,
      tell: (frame) => this.#tell(frame),
    });
    const grant = () => credit.grant(); // a name first: see "Garbage" in CONTRIBUTING.md
    runner.ended = grant;
  }

  /** When to come back, if the control plane asked for it. */
  get away(): Away | undefined {
    return this.#drained === undefined ? undefined : awayOf(this.#drained);
  }

  /** Tells nothing any more. */
  end(): void {
    const { runner, outputs, link } = this.#options;
    runner.ended = undefined;
    outputs.detach(link);
  }

  /** Says that the agent is about to close; a v1 control plane does not know the word. */
  async sayGoodbye(): Promise<void> {
    const { link, welcome } = this.#options;
    if (welcome === undefined) return;
    const bye = link.send({ type: "bye", reason: "shutdown" });
    await bye.catch((error) => this.#lost("bye", error));
  }

  /**
   * Takes the next frame; resolves when the one after it may be taken.
   *
   * @throws {TransporterError} `unavailable` when the link ends before an answer is written.
   */
  async take(delivery: Delivery<Message>): Promise<void> {
    const { inbox, outbox, outputs, heartbeats, backlog } = this.#options;
    const { welcome, log, failed } = this.#options;
    const { value: message } = delivery;
    switch (message.type) {
      case "event":
        backlog.forget();
        this.#credit?.saw(message.seq ?? 0);
        await inbox.take(delivery as Delivery<EventFrame>, {
          epoch: welcome?.epoch,
          failed,
        });
        this.#credit?.grant(); // what was refused, or known, took no place
        break;
      case "cancel":
        return this.#cancel(message);
      case "flow":
        return outbox.limit(message.limit_sid);
      case "inventory_request":
        return await this.#takeStock(message);
      case "backlog":
        return backlog.answered(message);
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
      case "log_ack":
        return outputs.acknowledged(message.upto);
      case "heartbeat_ack":
        return heartbeats.answered(message);
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

  /** Sends what the agent remembers and will remember, page by page: one is made when the one before is written. */
  async #takeStock({ since }: InventoryRequestFrame): Promise<void> {
    const { link, journal, controlPlaneClock, welcome } = this.#options;
    const from = since === undefined ? undefined : parseTime(since);
    if (since !== undefined && from === undefined) {
      const shown = since.slice(0, 64);
      const message =
        `Cannot take stock since "${shown}" as that is no RFC 3339 time`;
      return this.#tell({ type: "error", code: "invalid", message });
    }
    // On a full disk that takes as long as it is full; the link may end before.
    const isDurable = await Promise.race([
      journal.durable().then(() => true),
      link.closed.then(() => false),
    ]);
    if (!isDurable) return;
    // Ends were noted with this machine's clock: where that is wrong, it leaves nothing out.
    const known = from === undefined || controlPlaneClock.fault !== undefined
      ? undefined
      : { since: from, statusUpto: welcome?.status_upto ?? 0 };
    for (const page of inventoryPages(journal.entries(), known)) {
      await link.send(page);
    }
  }

  /** Says something that needs no answer. */
  #tell(message: Message): void {
    const { link } = this.#options;
    link.send(message).catch((error) => this.#lost(message.type, error));
  }

  /** What could not be said is lost with its link, like the question. */
  #lost(type: Message["type"], error: unknown): void {
    this.#options.log.debug("The control plane was gone before it was told", {
      type,
      error,
    });
  }
}
