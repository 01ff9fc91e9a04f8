import type { Timers } from "./timers.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** From one message to the next, in milliseconds: what is said of one event follows soon, and a message costs the server more than its frames. */
const GATHER_MS = 10;

/** Frames of one message: their lengths have to fit into its headers. */
const FRAMES_MAX = 64;

/** Bytes of one message; a frame that has more goes alone. */
const BYTES_MAX = 64 * 1024;

/** Options of {@linkcode Gatherer}. */
export interface GathererOptions {
  /** The longest message that the server takes, in bytes. */
  readonly bytesMax: number;
  /** Where time comes from. */
  readonly timers: Timers;
  /** Takes frames that go together, and the number of the last of them. */
  readonly publish: (n: number, frames: readonly Bytes[]) => void;
}

/** Puts frames together that are sent within milliseconds; the first ones after a pause go with their turn of the event loop. */
export class Gatherer {
  readonly #options: GathererOptions;
  #frames: Bytes[] = [];
  #bytes = 0;
  #last = 0;
  #sentAt = -Infinity;
  #cancel: (() => void) | undefined;

  /** Makes one that has nothing. */
  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** Adds a frame, with its number. */
  add(n: number, frame: Bytes): void {
    const bytesMax = Math.min(BYTES_MAX, this.#options.bytesMax);
    const bytes = this.#bytes + frame.length;
    if (this.#frames.length >= FRAMES_MAX || bytes > bytesMax) this.flush();
    this.#frames.push(frame);
    this.#bytes += frame.length;
    this.#last = n;
    if (this.#frames.length > 1) return;
    const { timers } = this.#options;
    const waitMs = this.#sentAt + GATHER_MS - timers.monotonic();
    this.#cancel = timers.after(Math.max(0, waitMs), () => this.flush());
  }

  /** Publishes what it has, at once. */
  flush(): void {
    this.#cancel?.();
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    this.#sentAt = this.#options.timers.monotonic();
    this.#options.publish(this.#last, frames);
  }
}

/** Frames as the bytes of one message. */
export function joined(frames: readonly Bytes[]): Bytes {
  const [first] = frames;
  if (frames.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(
    frames.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const frame of frames) {
    whole.set(frame, at);
    at += frame.length;
  }
  return whole;
}

/** The frames of a message, by their lengths; `undefined` when those do not fit. */
export function parted(
  data: Uint8Array,
  lengths: readonly number[] = [data.length],
): Uint8Array[] | undefined {
  let at = 0;
  const frames = lengths.map((length) => data.subarray(at, at += length));
  return at === data.length ? frames : undefined;
}
