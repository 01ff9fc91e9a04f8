import {
  type Clock,
  formatTime,
  type InventoryItem,
  Link,
  type Message,
  type StatusUpdateFrame,
  type WelcomeFrame,
  type Wire,
} from "@transporter/sdk";
import type { KeptEvent, TestControlPlane } from "./control_plane.ts";

/** One session of a {@linkcode TestControlPlane}. */
export class TestSession {
  readonly #controlPlane: TestControlPlane;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #gen: number;
  readonly #inHand = new Set<KeptEvent>();
  readonly #items: InventoryItem[] = [];
  #said: KeptEvent[] = [];
  /** Nothing new is released before the agent has given credit. */
  #limitSeq = 0;
  #registered = false;

  /** Begins one, which ends what the ones before may do. */
  constructor(
    controlPlane: TestControlPlane,
    { wire, clock }: { readonly wire: Wire; readonly clock: Clock },
  ) {
    this.#controlPlane = controlPlane;
    this.#clock = clock;
    this.#link = new Link(wire, { clock });
    this.#gen = ++controlPlane.gen;
  }

  /** Whether no newer session has begun. */
  get #current(): boolean {
    return this.#registered && this.#gen === this.#controlPlane.gen;
  }

  /** Serves until the link ends. */
  async run(): Promise<void> {
    for await (const delivery of this.#link.receive()) {
      // An older session writes nothing.
      if (this.#gen !== this.#controlPlane.gen) break;
      await this.#take(delivery.value);
      delivery.ack();
      this.#controlPlane.changed();
    }
  }

  /** Releases what there is room for. */
  release(): void {
    const { events, window } = this.#controlPlane;
    if (!this.#current) return;
    for (const event of events.values()) {
      if (event.end !== undefined || event.seq > 0) continue;
      if (event.cancelled) {
        this.#controlPlane.endCancelled(event);
        continue;
      }
      const room = this.#inHand.size < window &&
        this.#controlPlane.nextSeq <= this.#limitSeq;
      if (!room) return;
      event.seq = this.#controlPlane.nextSeq++;
      this.#deliver(event);
    }
  }

  /** Tells the agent that an event is not wanted any more. */
  cancel({ spec, attempt }: KeptEvent): void {
    if (!this.#current) return;
    this.#send({
      type: "cancel",
      event_id: spec.id,
      attempt,
      reason: "operator",
    });
  }

  async #take(message: Message): Promise<void> {
    switch (message.type) {
      case "registration":
        this.#controlPlane.registrations.push(message);
        return await this.#register(message.link?.resume !== undefined);
      case "status_update":
        return this.#note(message);
      case "credit":
        this.#limitSeq = message.limit_seq;
        return this.release();
      case "inventory":
        this.#items.push(...message.items);
        if (!message.more) this.#controlPlane.check(this.#said, this.#items);
        return;
      case "error":
        if (message.code !== "unknown_event") return;
        for (const event of this.#controlPlane.events.values()) {
          if (event.spec.id !== message.ref?.["event_id"]) continue;
          this.#controlPlane.endCancelled(event);
        }
        return;
      case "heartbeat":
        return await this.#link.send({
          type: "heartbeat_ack",
          timestamp: message.timestamp,
          server_time: formatTime(this.#clock.now()),
        });
    }
  }

  async #register(remembers: boolean): Promise<void> {
    const { events } = this.#controlPlane;
    await this.#link.send({ type: "reply", status: "registered", link: "2" });
    await this.#link.send(this.#welcome());
    this.#link.upgrade({ epoch: "e", frameBytesMax: 512 * 1024 });
    this.#registered = true;
    if (remembers) {
      this.#said = [...events.values()].map((event) => ({ ...event }));
      this.#send({ type: "inventory_request" });
    }
    const released = [...events.values()].filter(({ end, seq }) =>
      !end && seq > 0
    );
    for (const event of released.sort((a, b) => a.seq - b.seq)) {
      if (event.cancelled) this.cancel(event);
      else this.#deliver(event);
    }
    this.release();
  }

  #note(frame: StatusUpdateFrame): void {
    const event = this.#controlPlane.events.get(frame.event_id);
    if (event !== undefined) {
      this.#controlPlane.note(event, frame);
      if (event.end !== undefined || event.seq === 0) {
        this.#inHand.delete(event);
      }
    }
    this.#controlPlane.statusUpto = Math.max(
      this.#controlPlane.statusUpto,
      frame.sid ?? 0,
    );
    this.release();
  }

  #deliver(event: KeptEvent): void {
    const { spec, seq, attempt } = event;
    this.#inHand.add(event);
    this.#link.send({
      type: "event",
      seq,
      attempt,
      deadline: formatTime(this.#clock.now() + spec.ttl / 1e6),
      event: spec,
    }).then(
      () => {
        if (event.attempt === attempt) event.acknowledged = true;
      },
      (error) => {
        if (error.code === "unavailable") return;
        this.#controlPlane.refused.set(spec.id, error.code);
      },
    ).finally(() => this.#controlPlane.changed());
  }

  /** Says something that a link which ends may lose. */
  #send(message: Message): void {
    this.#link.send(message).catch(() => {});
  }

  #welcome(): WelcomeFrame {
    const { statusUpto, nextSeq } = this.#controlPlane;
    return {
      type: "welcome",
      v: 2,
      session: `s${this.#gen}`,
      gen: this.#gen,
      epoch: "e",
      resume: "resumed",
      from_seq: 1,
      next_seq: nextSeq,
      status_upto: statusUpto,
      features: ["ack", "parts", "resume", "credit", "cancel", "drain"],
      heartbeat_ms: 10_000,
      idle_ms: 45_000,
      max_frame: 512 * 1024,
      server_time: formatTime(this.#clock.now()),
    };
  }
}
