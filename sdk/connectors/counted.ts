import { Queue, TransporterError } from "../mod.ts";

/** Characters that may wait for the far end before `send` waits. */
const UNSENT_HIGH = 1024 * 1024;

/** Characters that may wait for the consumer before no more is taken. */
const UNREAD_HIGH = 1024 * 1024;

/** What a frame takes besides its text. */
const FRAME_OVERHEAD = 64;

interface Waiting {
  readonly frame: string;
  readonly taken: () => void;
  readonly refused: (error: TransporterError) => void;
}

/**
 * Frames that go one way over a medium that may lose, repeat and delay what it
 * carries: numbered from 1, and kept until the far end confirms them.
 */
export class CountedOut {
  readonly #kept: string[] = [];
  readonly #waiting: Waiting[] = [];
  #confirmed = 0;
  #chars = 0;
  #open = true;
  #change = Promise.withResolvers<void>();

  /** The number of the last frame. */
  get last(): number {
    return this.#confirmed + this.#kept.length;
  }

  /** The number of the last frame that the far end has confirmed. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Resolves at the next frame, or at `notify`. */
  get changed(): Promise<void> {
    return this.#change.promise;
  }

  /** Wakes whoever waits for `changed`. */
  notify(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Takes a frame; resolves when there is room for it, rejects `unavailable` once closed. */
  send(frame: string): Promise<void> {
    if (!this.#open) return Promise.reject(closed());
    if (this.#chars > UNSENT_HIGH) {
      return new Promise((taken, refused) =>
        this.#waiting.push({ frame, taken, refused })
      );
    }
    this.#push(frame);
    return Promise.resolve();
  }

  /**
   * Forgets what the far end has.
   *
   * @throws {TransporterError} `bad_frame` for a number that was never given.
   */
  confirm(upto: number): void {
    if (upto > this.last) {
      throw new TransporterError(
        "bad_frame",
        `Cannot go on after frame ${upto} as only ${this.last} were sent`,
      );
    }
    for (const frame of this.#kept.splice(0, upto - this.#confirmed)) {
      this.#chars -= frame.length + FRAME_OVERHEAD;
      this.#confirmed++;
    }
    while (this.#chars <= UNSENT_HIGH) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#push(next.frame);
      next.taken();
    }
  }

  /**
   * The frames after a number, as many as have so many characters together, at
   * least one.
   *
   * @throws {TransporterError} `conflict` when the far end has confirmed later ones: whoever asks is late.
   */
  after(number: number, charsMax: number): readonly string[] {
    if (number < this.#confirmed) {
      throw new TransporterError(
        "conflict",
        `Cannot send what came after frame ${number} as frame ${this.#confirmed} has been confirmed`,
      );
    }
    const start = number - this.#confirmed;
    let end = start;
    let chars = 0;
    for (const frame of this.#kept.slice(start)) {
      chars += frame.length;
      if (end > start && chars > charsMax) break;
      end++;
    }
    return this.#kept.slice(start, end);
  }

  /** Takes no more frames; those that it has still go. Idempotent. */
  close(): void {
    this.#open = false;
    for (const { refused } of this.#waiting.splice(0)) refused(closed());
    this.notify();
  }

  #push(frame: string): void {
    this.#kept.push(frame);
    this.#chars += frame.length + FRAME_OVERHEAD;
    this.notify();
  }
}

function closed(): TransporterError {
  return new TransporterError(
    "unavailable",
    "Cannot send as the wire is closed",
  );
}

/** The other end: takes each frame once and in order, however often it comes. */
export class CountedIn {
  /** The frames, for the one consumer. */
  readonly frames: AsyncIterable<string>;
  readonly #queue = new Queue<string>(Infinity);
  #unread = 0;
  #last = 0;
  #listening = true;
  #open = true;
  #room: PromiseWithResolvers<void> | undefined;

  /** Makes one that has nothing yet. */
  constructor() {
    this.frames = this.#read();
  }

  async *#read(): AsyncGenerator<string, void, undefined> {
    try {
      for await (const frame of this.#queue) {
        this.#unread -= frame.length;
        if (this.#unread <= UNREAD_HIGH) this.#makeRoom();
        yield frame;
      }
    } finally {
      this.#listening = false;
      this.#makeRoom();
    }
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** The number of the last frame that came. */
  get last(): number {
    return this.#last;
  }

  /** Resolves when the consumer has read enough for more to be taken, or nothing more is wanted. */
  get room(): Promise<void> {
    const wanted = this.#open && this.#listening;
    if (this.#unread <= UNREAD_HIGH || !wanted) return Promise.resolve();
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /**
   * Takes the frames after a number; those that came before are left out.
   *
   * @throws {TransporterError} `bad_frame` when some between are missing.
   */
  take(after: number, frames: readonly string[]): void {
    if (after > this.#last) {
      throw new TransporterError(
        "bad_frame",
        `Cannot take what comes after frame ${after} as the last that came is ${this.#last}`,
      );
    }
    for (const frame of frames.slice(this.#last - after)) {
      this.#last++;
      if (!this.#listening) continue;
      this.#unread += frame.length;
      this.#queue.push(frame);
    }
  }

  /** Ends the frames, with an error if there is one. Idempotent. */
  close(error?: TransporterError): void {
    this.#queue.close(error);
    this.#open = false;
    this.#makeRoom();
  }
}
