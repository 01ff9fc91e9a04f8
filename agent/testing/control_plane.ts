import {
  type Clock,
  type EventSpec,
  type EventStatus,
  isTerminal,
  Link,
  type RegistrationFrame,
  type StatusUpdateFrame,
  systemClock,
  TransporterError,
  type Wire,
} from "@transporter/sdk";

/** Makes an event for a test. */
export function specOf(id: string, rest: Partial<EventSpec> = {}): EventSpec {
  return {
    id,
    type: "witness",
    target_agent: "edge",
    payload: {},
    created_at: "2026-11-23T05:04:27Z",
    created_by: "test",
    ttl: 3600e9,
    priority: 0,
    labels: {},
    ...rest,
  };
}

/** An event as the control plane of a test keeps it. */
export interface KeptEvent {
  readonly spec: EventSpec;
  attempt: number;
  seq: number;
  readonly statuses: EventStatus[];
  end: EventStatus | undefined;
}

/**
 * The least that is a control plane of version 2, for tests that need one that
 * answers: keeps events until their end, sends them again over each new link,
 * makes a new attempt after an interruption that may be repeated, and forgets
 * nothing. What it knows survives its links.
 */
export class TestControlPlane {
  readonly events = new Map<string, KeptEvent>();
  readonly registrations: RegistrationFrame[] = [];
  /** What the agent refused, by id. */
  readonly refused = new Map<string, string>();
  /** Events that may be in hand at the agent. */
  window = 8;
  statusUpto = 0;
  #nextSeq = 1;
  #gen = 0;
  #release: () => void = () => {};
  #waiters: (() => void)[] = [];
  readonly #clock: Clock;

  /** Makes one without events. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Accepts an event. */
  submit(spec: EventSpec): void {
    this.events.set(spec.id, {
      spec,
      attempt: 0,
      seq: 0,
      statuses: [],
      end: undefined,
    });
    this.#release();
  }

  /** Resolves when something is so; looks after each change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Whether every event has ended. */
  get done(): boolean {
    return [...this.events.values()].every(({ end }) => end !== undefined);
  }

  /** Serves one link until it ends, or breaks. */
  async serve(wire: Wire): Promise<void> {
    try {
      await this.#serve(wire);
    } catch (reason) {
      if (TransporterError.from(reason).code !== "unavailable") throw reason;
    } finally {
      this.#changed();
    }
  }

  async #serve(wire: Wire): Promise<void> {
    const link = new Link(wire, { clock: this.#clock });
    const gen = ++this.#gen;
    const inHand = new Set<KeptEvent>();

    const deliver = (event: KeptEvent) => {
      inHand.add(event);
      link.send({
        type: "event",
        seq: event.seq,
        attempt: event.attempt,
        deadline: new Date(this.#clock.now() + event.spec.ttl / 1e6)
          .toISOString(),
        event: event.spec,
      }).catch((error) => {
        if (error.code !== "unavailable") {
          this.refused.set(event.spec.id, error.code);
        }
        this.#changed();
      });
    };
    const release = () => {
      if (gen !== this.#gen) return;
      for (const event of this.events.values()) {
        if (inHand.size >= this.window) return;
        if (event.end !== undefined || inHand.has(event) || event.attempt > 0) {
          continue;
        }
        event.attempt = 1;
        event.seq = this.#nextSeq++;
        deliver(event);
      }
    };

    for await (const delivery of link.receive()) {
      const { value: message } = delivery;
      if (gen !== this.#gen) break; // an older session writes nothing
      if (message.type === "registration") {
        this.registrations.push(message);
        await link.send({ type: "reply", status: "registered", link: "2" });
        await link.send(this.#welcome(gen));
        link.upgrade({ epoch: "e", frameBytesMax: 512 * 1024 });
        const released = [...this.events.values()].filter(({ end, seq }) =>
          !end && seq > 0
        );
        for (const event of released.sort((a, b) => a.seq - b.seq)) {
          deliver(event);
        }
        this.#release = release;
        release();
      } else if (message.type === "status_update") {
        const event = this.events.get(message.event_id);
        if (event !== undefined) this.#note(event, message);
        this.statusUpto = Math.max(this.statusUpto, message.sid ?? 0);
        delivery.ack();
        if (
          event !== undefined && message.phase === "interrupted" &&
          event.end === undefined
        ) {
          event.attempt++;
          event.seq = this.#nextSeq++;
          deliver(event);
        }
        if (event?.end !== undefined) inHand.delete(event);
        release();
      } else if (message.type === "heartbeat") {
        const { timestamp } = message;
        const time = new Date(this.#clock.now()).toISOString();
        await link.send({
          type: "heartbeat_ack",
          timestamp,
          server_time: time,
        });
      }
      this.#changed();
    }
  }

  #note(event: KeptEvent, frame: StatusUpdateFrame): void {
    const { type: _, ...status } = frame;
    event.statuses.push(status);
    if (event.end !== undefined || status.attempt !== event.attempt) return;
    const lost = status.phase === "interrupted" &&
      status.details?.repeatable !== true;
    if (isTerminal(status.state) || lost) event.end = status;
  }

  #welcome(gen: number) {
    return {
      type: "welcome" as const,
      v: 2 as const,
      session: `s${gen}`,
      gen,
      epoch: "e",
      resume: "resumed" as const,
      from_seq: 1,
      status_upto: this.statusUpto,
      features: ["ack", "parts", "resume", "cancel", "drain"],
      heartbeat_ms: 10_000,
      idle_ms: 45_000,
      max_frame: 512 * 1024,
      server_time: new Date(this.#clock.now()).toISOString(),
    };
  }

  #changed(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
