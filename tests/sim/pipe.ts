import type { TransporterError } from "@transporter/sdk";
import type { Parcel } from "../../sdk/connectors/nats_wire.ts";
import type { Process } from "./machine.ts";
import type { Random } from "./random.ts";

/** What travels in one direction of a connection. */
export type Packet =
  /** A frame. */
  | { readonly kind: "frame"; readonly text: string }
  /** A message by which a broker carries one, or says what was taken. */
  | {
    readonly kind: "parcel";
    readonly parcel: Parcel;
    readonly data: Uint8Array;
  }
  /** The far end closes, and says why. */
  | { readonly kind: "close"; readonly reason: TransporterError | undefined }
  /** The far end has heard of a close. */
  | { readonly kind: "closed" }
  /** The connection is broken. */
  | { readonly kind: "broken" };

/** How fast a network is. */
export interface Speed {
  /** Milliseconds that everything takes. */
  readonly leastMs: number;
  /** Milliseconds that come on top, on average. */
  readonly jitterMs: number;
}

/** What a pipe needs to know. */
export interface PipeOptions {
  /** Who receives. */
  readonly to: Process;
  /** Where its delays come from. */
  readonly random: Random;
  /** How fast it is now. */
  readonly speed: () => Speed;
  /** Whether anything gets through now. */
  readonly passes: () => boolean;
  /** Takes what arrives. */
  readonly deliver: (packet: Packet) => void;
  /** Something arrived at a machine where nobody listens any more. */
  readonly refused: () => void;
}

interface Travelling {
  readonly packet: Packet;
  readonly arrivesAt: number;
}

/**
 * One direction of a connection: keeps the order, whatever the delays are; may
 * be held up, and may lose everything from some point on.
 */
export class Pipe {
  readonly #options: PipeOptions;
  readonly #travelling: Travelling[] = [];
  #arrivesAt = 0;
  #size = 0;
  #moving = false;
  #lossy = false;

  /** Makes an empty one. */
  constructor(options: PipeOptions) {
    this.#options = options;
  }

  /** Characters on their way. */
  get size(): number {
    return this.#size;
  }

  /** Sends something, after what was sent before. */
  send(packet: Packet): void {
    if (!this.#lossy) this.#add(packet, this.#delayMs());
  }

  /** Loses what is on its way from some point on, and everything that is sent later. */
  lose(): void {
    this.#lossy = true;
    const kept = this.#options.random.int(0, this.#travelling.length);
    for (const { packet } of this.#travelling.splice(kept)) {
      this.#size -= charsOf(packet);
    }
  }

  /** Lets the receiver find out, after some time, that the connection is broken. */
  break(afterMs: number): void {
    this.#lossy = true;
    this.#add({ kind: "broken" }, afterMs);
  }

  /** Goes on, if it was held up. */
  move(): void {
    const next = this.#travelling[0];
    if (this.#moving || next === undefined) return;
    this.#moving = true;
    const { loop } = this.#options.to.machine;
    const afterMs = next.arrivesAt - loop.now;
    loop.after(afterMs, `arrive ${next.packet.kind}`, () => this.#arrive());
  }

  #arrive(): void {
    this.#moving = false;
    const [first] = this.#travelling;
    const { to, passes, deliver, refused } = this.#options;
    if (first === undefined) return;
    const { packet } = first;
    if (packet.kind !== "broken" && !passes()) return; // until somebody calls move()
    this.#travelling.shift();
    this.#size -= charsOf(packet);
    if (to.alive) to.enter(`take ${packet.kind}`, () => deliver(packet));
    else if (to.machine.on && packet.kind !== "broken") refused();
    this.move();
  }

  #add(packet: Packet, delayMs: number): void {
    const { loop } = this.#options.to.machine;
    this.#arrivesAt = Math.max(this.#arrivesAt, loop.now + delayMs);
    this.#travelling.push({ packet, arrivesAt: this.#arrivesAt });
    this.#size += charsOf(packet);
    this.move();
  }

  #delayMs(): number {
    const { random, speed } = this.#options;
    const { leastMs, jitterMs } = speed();
    return leastMs + random.exponential(jitterMs);
  }
}

function charsOf(packet: Packet): number {
  return packet.kind === "frame" ? packet.text.length : 0;
}
