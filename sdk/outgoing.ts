import { TransporterError } from "./error.ts";
import type { Frame } from "./frame.ts";
import { MESSAGE_BYTES_MAX, split, utf8Length } from "./parts.ts";

/** Bytes that may wait to be written; a peer that reads so slowly is dropped before memory runs out. */
const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;

/** What a waiting message takes besides its text, in bytes: without it, a million tiny ones would take a gigabyte. */
const MESSAGE_OVERHEAD_BYTES = 1024;

/**
 * Which messages a message waits for. `ordered` ones keep their order;
 * `urgent` ones go first, also between the parts of a long message.
 */
export type Lane = "urgent" | "ordered";

/** The lane of a frame: a `cancel` must not overtake its event, nor a last status the event's output. */
export function laneOf({ type }: Frame): Lane {
  const ordered = type === "event" || type === "cancel" ||
    type === "status_update" || type === "log";
  return ordered ? "ordered" : "urgent";
}

interface Waiting {
  readonly text: string;
  readonly bytes: number;
  readonly written: () => void;
  readonly failed: (error: TransporterError) => void;
}

/** Where messages go, and what happens when they do not. */
export interface OutgoingOptions {
  /** Writes one frame; resolves when the runtime took it. */
  readonly write: (frame: string) => Promise<void>;
  /** Told when a frame could not be written: the link is over. */
  readonly fail: (error: TransporterError) => Promise<void>;
}

/** What a link is about to write: two lanes, one frame at a time. */
export class Outgoing {
  /** The longest frame the peer takes, in bytes; a longer message goes in parts. Unless set, all go whole. */
  frameBytesMax = MESSAGE_BYTES_MAX;
  readonly #options: OutgoingOptions;
  readonly #lanes: Readonly<Record<Lane, Waiting[]>> = {
    urgent: [],
    ordered: [],
  };
  #parts: string[] = [];
  #messages = 0;
  #bufferedBytes = 0;
  #writing = false;
  #gone: TransporterError | undefined;

  /** Makes one that writes nothing yet. */
  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Bytes of memory that wait to be written. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Writes a message after those before it in its lane; resolves when it is written.
   *
   * @throws {TransporterError} `too_large` beyond 12 MiB, `exhausted` when too much waits, what `end` was told.
   */
  // deno-lint-ignore require-await -- a refusal must reject, not throw
  async add(text: string, lane: Lane): Promise<void> {
    if (this.#gone !== undefined) throw this.#gone;
    const bytes = utf8Length(text);
    if (bytes > MESSAGE_BYTES_MAX) {
      throw new TransporterError(
        "too_large",
        `Cannot send a message of ${bytes} bytes: at most ${MESSAGE_BYTES_MAX} go over a link`,
      );
    }
    const memory = bytes + MESSAGE_OVERHEAD_BYTES;
    if (
      this.#bufferedBytes > 0 &&
      this.#bufferedBytes + memory > BUFFERED_BYTES_MAX
    ) {
      throw new TransporterError(
        "exhausted",
        "Cannot send as the far end reads too slowly",
      );
    }
    this.#bufferedBytes += memory;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // What goes in parts is not urgent: one message at a time may.
    const isLong = bytes > this.frameBytesMax;
    this.#lanes[isLong ? "ordered" : lane].push({
      text,
      bytes,
      written: resolve,
      failed: reject,
    });
    this.#pump();
    return promise;
  }

  /** Refuses what waits, and what comes. */
  end(gone: TransporterError): void {
    this.#gone = gone;
    const { urgent, ordered } = this.#lanes;
    for (const waiting of [...urgent.splice(0), ...ordered.splice(0)]) {
      waiting.failed(gone);
    }
  }

  async #pump(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    const { urgent, ordered } = this.#lanes;
    try {
      while (this.#gone === undefined) {
        if (urgent[0] !== undefined) {
          await this.#options.write(urgent[0].text);
          this.#written(urgent);
          continue;
        }
        if (ordered[0] === undefined) break;
        if (this.#parts.length === 0) this.#parts = this.#cut(ordered[0]);
        await this.#options.write(this.#parts.shift() ?? "");
        if (this.#parts.length === 0) this.#written(ordered);
      }
    } catch (reason) {
      await this.#options.fail(TransporterError.from(reason));
    } finally {
      this.#writing = false;
    }
  }

  #cut({ text, bytes }: Waiting): string[] {
    if (bytes <= this.frameBytesMax) return [text];
    return split(text, `m_${++this.#messages}`, this.frameBytesMax);
  }

  /** The first message of a lane was written, unless the link ended meanwhile. */
  #written(lane: Waiting[]): void {
    const message = lane.shift();
    if (message === undefined) return;
    this.#bufferedBytes -= message.bytes + MESSAGE_OVERHEAD_BYTES;
    message.written();
  }
}
