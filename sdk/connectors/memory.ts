/**
 * Wires inside one process: the reference implementation of {@linkcode Wire},
 * for tests and for embedding.
 *
 * @example Usage
 * ```ts
 * import { memoryWires } from "@transporter/sdk/memory";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const [near, far] = memoryWires();
 * await near.send("hello");
 * await near.close();
 * deepStrictEqual(await Array.fromAsync(far.frames), ["hello"]);
 * ```
 *
 * @module
 */
import { Queue, TransporterError, type Wire } from "../mod.ts";

/** Characters that may wait for the far end before `send` waits. */
const UNREAD_HIGH = 1024 * 1024;

interface Waiting {
  readonly frame: string;
  readonly taken: () => void;
  readonly refused: (error: TransporterError) => void;
}

/** The frames on their way in one direction. */
class Lane {
  readonly #queue = new Queue<string>(Infinity);
  readonly #waiting: Waiting[] = [];
  #unread = 0;
  #open = true;

  async *read(): AsyncGenerator<string, void, undefined> {
    for await (const frame of this.#queue) {
      this.#unread -= frame.length;
      while (this.#unread <= UNREAD_HIGH) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        this.#push(next.frame);
        next.taken();
      }
      yield frame;
    }
  }

  send(frame: string): Promise<void> {
    if (!this.#open) return Promise.reject(closed());
    if (this.#unread > UNREAD_HIGH) {
      return new Promise((taken, refused) =>
        this.#waiting.push({ frame, taken, refused })
      );
    }
    this.#push(frame);
    return Promise.resolve();
  }

  close(error?: TransporterError): void {
    this.#open = false;
    this.#queue.close(error);
    for (const { refused } of this.#waiting.splice(0)) refused(closed());
  }

  #push(frame: string): void {
    this.#unread += frame.length;
    this.#queue.push(frame);
  }
}

function closed(): TransporterError {
  return new TransporterError(
    "unavailable",
    "Cannot send as the wire is closed",
  );
}

function wire(incoming: Lane, outgoing: Lane): Wire {
  return {
    frames: incoming.read(),
    send: (frame) => outgoing.send(frame),
    close(reason) {
      outgoing.close(
        reason && new TransporterError(reason.code, reason.message),
      );
      incoming.close();
      return Promise.resolve();
    },
  };
}

/**
 * Makes a connected pair of wires.
 *
 * @returns The two ends, and a way to cut what is between them: both then end with `unavailable`.
 */
export function memoryWires(): [near: Wire, far: Wire, cut: () => void] {
  const there = new Lane();
  const back = new Lane();
  function cut() {
    const error = new TransporterError(
      "unavailable",
      "Cannot go on as the wire was cut",
    );
    there.close(error);
    back.close(error);
  }
  return [wire(back, there), wire(there, back), cut];
}
