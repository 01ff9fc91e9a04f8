import type { Wire } from "@transporter/sdk";
import { TransporterError } from "@transporter/sdk";

/** A frame as it was on the wire. */
export type RawFrame = Readonly<Record<string, unknown>>;

/**
 * An agent that does only what a test says: it sees frames as they are on the
 * wire, and knows nothing of links.
 */
export class ScriptedAgent {
  readonly #wire: Wire;
  readonly #waiters = new Set<() => void>();
  #read = 0;
  /** Every frame that came, parsed. */
  readonly frames: RawFrame[] = [];
  /** The same, as text. */
  readonly texts: string[] = [];
  /** Why the control plane closed the wire: a code, `closed`, or `undefined` while it is open. */
  ended: string | undefined;

  /** Reads the far end of a wire from now on. */
  constructor(wire: Wire) {
    this.#wire = wire;
    this.#listen();
  }

  /** Sends one frame. */
  async send(frame: RawFrame): Promise<void> {
    await this.#wire.send(JSON.stringify(frame));
  }

  /** Sends one text as it is. */
  async sendText(text: string): Promise<void> {
    await this.#wire.send(text);
  }

  /** Resolves with the next frame that was not asked for yet. */
  async next(): Promise<RawFrame> {
    await this.#until(() => this.#read < this.frames.length);
    const frame = this.frames[this.#read++];
    if (frame === undefined) throw new TypeError(`No frame: ${this.ended}`);
    return frame;
  }

  /** Resolves with the next frame of a type, skipping others. */
  async nextOf(type: string): Promise<RawFrame> {
    for (;;) {
      const frame = await this.next();
      if (frame["type"] === type) return frame;
    }
  }

  /** Frames of a type so far. */
  of(type: string): RawFrame[] {
    return this.frames.filter((frame) => frame["type"] === type);
  }

  /** Resolves with the reason once the control plane has closed the wire. */
  async end(): Promise<string> {
    await this.#until(() => this.ended !== undefined);
    return this.ended ?? "";
  }

  /** Cuts the wire, without a word. */
  async cut(): Promise<void> {
    await this.#wire.close(new TransporterError("unavailable", "Cut"));
  }

  /** Sends a status of an event, as an agent of version 2; `sid` and all else come from `rest`. */
  async status(
    event: string,
    state: string,
    phase: string,
    rest: RawFrame = {},
  ): Promise<void> {
    await this.send({
      type: "status_update",
      event_id: event,
      agent_id: "edge-1",
      state,
      phase,
      message: `${event} ${phase}`,
      log_level: "info",
      details: null,
      result: null,
      timestamp: "2026-11-23T05:04:27.10407393Z",
      ...rest,
    });
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended !== undefined) return;
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const text of this.#wire.frames) {
        this.texts.push(text);
        this.frames.push(JSON.parse(text));
        this.#wakeAll();
      }
      this.ended = "closed";
    } catch (reason) {
      this.ended = TransporterError.from(reason).code;
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}
