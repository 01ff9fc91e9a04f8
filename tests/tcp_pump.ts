import { systemClock } from "@transporter/sdk";
import type { Socket } from "node:net";
import type { TcpFault } from "./tcp_fault.ts";

/** Bytes that one direction holds before it stops reading, as the buffers of a network would. */
const HELD_BYTES_MAX = 1024 * 1024;

/** Milliseconds of traffic that go out at once when the bandwidth is bounded. */
const TICK_MS = 20;

/** What the network is like now, for all connections of a proxy. */
export interface Weather {
  /** What is wrong with it. */
  readonly fault: TcpFault | undefined;
  /** Resolves when that changes. */
  readonly changed: Promise<void>;
  /** Aborts when the proxy is closed. */
  readonly signal: AbortSignal;
  /** A number from 0 (included) to 1 (not included). */
  readonly random: () => number;
}

interface Piece {
  readonly dueAt: number;
  /** What came, or how it ended. */
  readonly what: Uint8Array | "end" | "reset";
}

/** Carries what comes from one socket to another, one way, through the weather. */
export class Pump {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: () => Weather;
  readonly #held: Piece[] = [];
  #heldBytes = 0;
  #dueAt = 0;
  #wake = Promise.withResolvers<void>();
  #limited: { readonly fault: TcpFault; left: number } | undefined;
  #forgotten = false;
  #cut = false;
  /** Resolves when it has carried everything, or cannot any more. Never rejects. */
  readonly done: Promise<void>;

  /** Starts at once. */
  constructor(from: Socket, to: Socket, weather: () => Weather) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.done = Promise.all([this.#read(), this.#write()]).then(() => {});
  }

  /** Swallows all that comes from now on, ends too. */
  forget(): void {
    this.#forgotten = true;
  }

  /** Ends it towards the far side; what still comes is swallowed. */
  cut(): void {
    this.#cut = true;
    if (!this.#to.destroyed) this.#to.end();
  }

  async #read(): Promise<void> {
    let end: "end" | "reset" = "end";
    try {
      const chunks = this.#from.iterator({ destroyOnReturn: false });
      for await (const chunk of chunks) {
        this.#hold(chunk);
        while (this.#heldBytes > HELD_BYTES_MAX) await this.#wake.promise;
      }
    } catch {
      end = "reset"; // whatever broke it off, the far side is to see a break
    }
    this.#hold(end);
  }

  #hold(what: Piece["what"]): void {
    const { fault, random } = this.#weather();
    const lateMs = fault?.kind === "latency"
      ? fault.ms + random() * fault.jitterMs
      : fault?.kind === "slow_close" && typeof what === "string"
      ? fault.ms
      : 0;
    this.#dueAt = Math.max(this.#dueAt, systemClock.monotonic() + lateMs);
    this.#held.push({ dueAt: this.#dueAt, what });
    if (typeof what !== "string") this.#heldBytes += what.length;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #write(): Promise<void> {
    while (true) {
      const piece = this.#held.shift();
      if (piece === undefined) {
        await this.#wake.promise;
        continue;
      }
      await this.#sleep(piece.dueAt - systemClock.monotonic());
      await this.#outOfTheHole();
      const { what } = piece;
      if (typeof what === "string") return this.#end(what);
      await this.#carry(what);
      this.#heldBytes -= what.length;
      this.#wakeUp();
    }
  }

  #end(how: "end" | "reset"): void {
    // Whoever left does not wait for an answer; the far side is not told.
    if (this.#forgotten) this.#from.destroy();
    if (this.#forgotten || this.#to.destroyed) return;
    if (how === "reset") this.#to.resetAndDestroy();
    else this.#to.end();
  }

  async #carry(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      await this.#outOfTheHole();
      if (this.#forgotten || this.#cut || this.#to.destroyed) return;
      const { fault } = this.#weather();
      const [size, pauseMs] = this.#stride(fault, bytes.length - at);
      await this.#send(bytes.subarray(at, at + size));
      at += size;
      if (this.#limited?.left === 0 && fault === this.#limited.fault) {
        this.#from.destroy();
        this.#to.destroy();
        return;
      }
      await this.#sleep(pauseMs);
    }
  }

  /** How many bytes go out next, and how long to wait then. */
  #stride(fault: TcpFault | undefined, restBytes: number): [number, number] {
    switch (fault?.kind) {
      case "bandwidth": {
        const size = Math.ceil(fault.bytesPerSecond * TICK_MS / 1000);
        return [Math.min(size, restBytes), TICK_MS];
      }
      case "slicer":
        return [Math.min(fault.bytes, restBytes), fault.gapMs];
      case "limit_data": {
        if (this.#limited?.fault !== fault) {
          this.#limited = { fault, left: fault.bytes };
        }
        const size = Math.min(this.#limited.left, restBytes);
        this.#limited.left -= size;
        return [size, 0];
      }
      default:
        return [restBytes, 0];
    }
  }

  #send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#to.write(bytes, () => resolve()));
  }

  async #outOfTheHole(): Promise<void> {
    for (
      let weather = this.#weather();
      weather.fault?.kind === "black_hole" && !weather.signal.aborted;
      weather = this.#weather()
    ) await weather.changed;
  }

  async #sleep(ms: number): Promise<void> {
    if (ms <= 0) return;
    const { signal } = this.#weather();
    await systemClock.sleep(ms, { signal }).catch(() => {}); // closing: then everything is due
  }
}
