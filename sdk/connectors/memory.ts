/**
 * Wires inside one process: the reference implementation of {@linkcode Wire},
 * for tests and for embedding.
 *
 * @module
 */
import { Queue, TransporterError, type Wire } from "../mod.ts";

/** Frames that may wait for the far end. */
const FRAMES_MAX = 100_000;

class MemoryWire implements Wire {
  readonly #in: Queue<string>;
  readonly #out: Queue<string>;
  readonly #state: { open: boolean };

  constructor(
    incoming: Queue<string>,
    outgoing: Queue<string>,
    state: { open: boolean },
  ) {
    this.#in = incoming;
    this.#out = outgoing;
    this.#state = state;
  }

  get frames(): AsyncIterable<string> {
    return this.#in;
  }

  // deno-lint-ignore require-await -- a failed send must reject, not throw
  async send(frame: string): Promise<void> {
    if (!this.#state.open) {
      throw new TransporterError(
        "unavailable",
        "Cannot send as the wire is closed",
      );
    }
    this.#out.push(frame);
  }

  close(reason?: TransporterError): Promise<void> {
    this.#state.open = false;
    this.#out.close(
      reason === undefined
        ? undefined
        : new TransporterError(reason.code, reason.message),
    );
    this.#in.close();
    return Promise.resolve();
  }
}

/** Makes a connected pair of wires. */
export function memoryWires(): [near: Wire, far: Wire] {
  const there = new Queue<string>(FRAMES_MAX);
  const back = new Queue<string>(FRAMES_MAX);
  const state = { open: true };
  return [
    new MemoryWire(back, there, state),
    new MemoryWire(there, back, state),
  ];
}
