import { TransporterError, type Wire } from "@transporter/sdk";
import type { EndObserver } from "./connection.ts";

/** The control plane's end of a wire that is not the simulator's own, seen from outside. */
export class ObservedWire implements Wire {
  readonly frames: AsyncIterable<string>;
  readonly #wire: Wire;
  readonly #observer: EndObserver;
  #over = false;

  /** Stands before a wire. */
  constructor(wire: Wire, observer: EndObserver) {
    this.#wire = wire;
    this.#observer = observer;
    this.frames = this.#read();
  }

  /** Whether it is over, as far as the control plane knows. */
  get over(): boolean {
    return this.#over;
  }

  async send(frame: string): Promise<void> {
    await this.#wire.send(frame);
    this.#observer.sent(frame);
  }

  async close(reason?: TransporterError): Promise<void> {
    this.#end("control-plane", reason);
    await this.#wire.close(reason);
  }

  async *#read(): AsyncGenerator<string, void, undefined> {
    try {
      for await (const frame of this.#wire.frames) {
        this.#observer.took(frame);
        yield frame;
      }
      this.#end("agent");
    } catch (cause) {
      const error = TransporterError.from(cause);
      this.#end(error.code === "unavailable" ? "network" : "agent", error);
      throw error;
    }
  }

  #end(
    by: Parameters<EndObserver["over"]>[0],
    reason?: TransporterError,
  ): void {
    if (this.#over) return;
    this.#over = true;
    this.#observer.over(by, reason);
  }
}
