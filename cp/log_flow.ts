import {
  type Clock,
  type LogFrame,
  type Logger,
  TransporterError,
  utf8Length,
} from "@transporter/sdk";
import { nameOf, pieceOf, sizeOf } from "./log_piece.ts";
import type { Quotas } from "./log_quota.ts";
import type { Fence, LogChunk, Store } from "./store/store.ts";

/** Bytes of output that are kept of one attempt. */
export const LOG_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of one session that may wait for the store; what comes then is left out. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** Attempts of which is remembered how much is kept, or that something was left out. */
const ATTEMPTS_MAX = 256;

/** Milliseconds between tries while the store is away. */
const RETRY_MS = 500;

/** Bytes that are written before the agent is told at once. */
const TELL_BYTES = 256 * 1024;

/** Milliseconds after which it is told of fewer. */
const TELL_MS = 1000;

/** Pieces that are read at a time. */
const PAGE = 500;

/** Options of {@linkcode LogFlow}. */
export interface LogFlowOptions extends Quotas {
  /** Where output is kept. */
  readonly store: Pick<Store, "getEvent" | "addLogs" | "listLogs">;
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent's session: when a newer one is known, that has its output. */
  readonly fence: Fence;
  /** Where time comes from. */
  readonly clock: Pick<Clock, "sleep">;
  /** For what goes wrong. */
  readonly log: Logger;
  /** So many of the frames that were taken, from the first on, are kept or left out for good. Called now and then. */
  readonly done: (frames: number) => void;
  /** Output came of an event that is not this agent's. */
  readonly foreign: (id: string) => void;
}

/** How much is kept of one attempt. */
interface Kept {
  bytes: number;
  /** Whether it is said that something is missing. */
  marked: boolean;
  /** Which pieces those are; known only while some come again. */
  pieces?: ReadonlySet<string>;
}

/** What waits of one event. */
interface Waiting {
  /** Which frame of the session its first one is. */
  readonly first: number;
  readonly frames: LogFrame[];
  /** How much they take. */
  bytes: number;
}

/**
 * The output of what one agent runs on its way to the store. It never makes
 * statuses wait: what comes faster than it can be written is left out, and so
 * is what is more than is kept of an attempt; a mark says where. What comes
 * again, as its agent could not know that it had arrived, is kept once.
 */
export class LogFlow {
  readonly #options: LogFlowOptions;
  /** In the order of their first frames. */
  readonly #waiting = new Map<string, Waiting>();
  #waitingBytes = 0;
  #taken = 0;
  /** So many of them, from the first on, are kept or left out for good. */
  #done = 0;
  #told = 0;
  #untoldBytes = 0;
  #telling = false;
  /** No session waits for its end while the store is away. */
  readonly #ending = new AbortController();
  /** Attempts of which something was left out since the last piece that was taken. */
  readonly #gaps = new Set<string>();
  /** By event and attempt; `undefined` for an event that is another agent's. */
  readonly #kept = new Map<string, Kept | undefined>();
  #writing: Promise<void> | undefined;

  /** Makes a flow without output. */
  constructor(options: LogFlowOptions) {
    this.#options = options;
  }

  /** Takes a piece; never waits. */
  take(frame: LogFrame): void {
    const first = ++this.#taken;
    const bytes = sizeOf(frame);
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      return this.#noteGap(frame);
    }
    const gap = this.#gaps.delete(nameOf(frame));
    const { event_id: id } = frame;
    const waiting = this.#waiting.get(id) ?? { first, frames: [], bytes: 0 };
    this.#waiting.set(id, waiting);
    waiting.frames.push(gap ? { ...frame, trunc: true } : frame);
    waiting.bytes += bytes;
    this.#waitingBytes += bytes;
    this.#writing ??= this.#write();
  }

  /** An agent may name as many attempts as it likes. */
  #noteGap(frame: LogFrame): void {
    this.#gaps.add(nameOf(frame));
    const [oldest = ""] = this.#gaps;
    if (this.#gaps.size > ATTEMPTS_MAX) this.#gaps.delete(oldest);
  }

  /** Resolves when all that was taken is written, or left out. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /** The same, at the end of the session: what a store that is away does not take is the agent's to send again. */
  async finish(): Promise<void> {
    this.#ending.abort();
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (const [id, { first, frames, bytes }] of this.#waiting) {
      this.#waiting.delete(id);
      this.#done = first - 1;
      try {
        await this.#add(id, frames);
      } catch (error) {
        // Output is worth less than the work: that goes on.
        this.#options.log.warn("Cannot keep output", { event_id: id, error });
        // It comes again, and what is behind it has to stay there.
        if (this.#ends(error)) return this.#waiting.clear();
        for (const frame of frames) this.#noteGap(frame);
      }
      this.#waitingBytes -= bytes;
      this.#untoldBytes += bytes;
      if (this.#untoldBytes >= TELL_BYTES) this.#tell();
      this.#tellSoon();
    }
    this.#done = this.#taken;
    this.#writing = undefined;
  }

  #ends(error: unknown): boolean {
    const { code } = TransporterError.from(error);
    return this.#ending.signal.aborted || code === "superseded";
  }

  /** One answer for each piece would be as many frames again. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    const { signal } = this.#ending;
    this.#options.clock.sleep(TELL_MS, { signal }).then(() => {
      this.#telling = false;
      this.#tell();
    }, () => {}); // the session is over, and so is its count
  }

  #tell(): void {
    if (this.#done === this.#told) return;
    this.#told = this.#done;
    this.#untoldBytes = 0;
    this.#options.done(this.#done);
  }

  /** Asks the store until it is there, or the session ends. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, log } = this.#options;
    for (let tries = 1;; tries++) {
      try {
        return await ask();
      } catch (reason) {
        const error = TransporterError.from(reason);
        const { signal } = this.#ending;
        if (!error.retryable || signal.aborted) throw error;
        if (tries === 1) log.warn("Output waits for the store", { error });
        await clock.sleep(RETRY_MS, { signal });
      }
    }
  }

  async #add(id: string, frames: readonly LogFrame[]): Promise<void> {
    const { store, tenant, fence, foreign, logQuota } = this.#options;
    const chunks: LogChunk[] = [];
    const take = (bytes: number) => logQuota.take(tenant, fence.agent, bytes);
    for (const frame of frames) {
      const kept = await this.#patiently(() => this.#keptOf(frame));
      if (kept === undefined) {
        for (const left of frames) this.#noteGap(left);
        return foreign(id);
      }
      if (kept.pieces?.has(pieceOf(frame))) continue;
      const chunk = fitting(frame, kept, take);
      if (chunk !== undefined) chunks.push(chunk);
    }
    let tries = 0;
    await this.#patiently(async () => {
      // A store that did not answer may have written them.
      const rest = tries++ > 0 ? await this.#missing(id, chunks) : chunks;
      if (rest.length > 0) await store.addLogs(tenant, id, rest, fence);
    });
  }

  /** Those of some pieces of an event that the store does not have. */
  async #missing(id: string, chunks: readonly LogChunk[]): Promise<LogChunk[]> {
    const there = new Set<string>();
    for await (const chunk of this.#stored(id)) there.add(pieceOf(chunk));
    return chunks.filter((chunk) => !there.has(pieceOf(chunk)));
  }

  /** How much is kept of an attempt; the store knows what earlier sessions brought. */
  async #keptOf(frame: LogFrame): Promise<Kept | undefined> {
    const name = nameOf(frame);
    if (this.#kept.has(name)) {
      const kept = this.#kept.get(name);
      if (!frame.again) delete kept?.pieces; // from here on it sends what is new
      return kept;
    }
    const { store, tenant, fence } = this.#options;
    const { event_id: id } = frame;
    const record = await store.getEvent(tenant, id);
    // What a restored store does not know may be submitted again at any time.
    if (record === undefined) return undefined;
    // Also of a later attempt than is known: the store was restored, and output comes before the status that says so.
    const theirs = record.spec.target_agent === fence.agent;
    const kept = theirs ? await this.#count(frame) : undefined;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < ATTEMPTS_MAX) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(name, kept);
    return kept;
  }

  async #count({ event_id: id, attempt, again }: LogFrame): Promise<Kept> {
    const pieces = new Set<string>();
    const kept: Kept = { bytes: 0, marked: false };
    if (again) kept.pieces = pieces;
    for await (const chunk of this.#stored(id)) {
      if (chunk.attempt !== attempt) continue;
      kept.bytes += utf8Length(chunk.data);
      kept.marked ||= chunk.data === "" && chunk.trunc === true;
      if (again) pieces.add(pieceOf(chunk));
    }
    return kept;
  }

  /** All that the store has of an event, page by page. */
  async *#stored(id: string): AsyncGenerator<LogChunk> {
    const { store, tenant } = this.#options;
    for (let after = 0;;) {
      const page = await store.listLogs(tenant, id, { after, limit: PAGE });
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.n;
    }
  }
}

/** The piece as it is kept: whole, or a mark for all that is too much; `undefined` when the mark is there. */
function fitting(
  frame: LogFrame,
  kept: Kept,
  take: (bytes: number) => boolean,
): LogChunk | undefined {
  const { attempt, stream, off, data, trunc = false } = frame;
  const bytes = utf8Length(data);
  const place = { attempt, stream, off };
  if (kept.bytes + bytes <= LOG_BYTES_MAX && take(bytes)) {
    kept.bytes += bytes;
    return { ...place, data, ...(trunc ? { trunc } : {}) };
  }
  if (kept.marked) return undefined;
  kept.marked = true;
  return { ...place, data: "", trunc: true };
}
