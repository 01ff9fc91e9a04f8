import { type LogFrame, type Logger, utf8Length } from "@transporter/sdk";
import type { Quotas } from "./log_quota.ts";
import type { LogChunk, Store } from "./store/store.ts";

/** Bytes of output that are kept of one attempt. */
export const LOG_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of one session that may wait for the store; what comes then is left out. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** Attempts whose size is remembered. */
const ATTEMPTS_MAX = 256;

/** Pieces that are read at a time. */
const PAGE = 500;

/** Options of {@linkcode LogFlow}. */
export interface LogFlowOptions extends Quotas {
  /** Where output is kept. */
  readonly store: Pick<Store, "getEvent" | "addLogs" | "listLogs">;
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** For what goes wrong. */
  readonly log: Logger;
  /** Output came of an event that is not this agent's. */
  readonly foreign: (id: string) => void;
}

/** How much is kept of one attempt. */
interface Kept {
  bytes: number;
  /** Whether it is said that something is missing. */
  marked: boolean;
}

/**
 * The output of what one agent runs on its way to the store. It never makes
 * statuses wait: what comes faster than it can be written is left out, and so
 * is what is more than is kept of an attempt; a mark says where.
 */
export class LogFlow {
  readonly #options: LogFlowOptions;
  readonly #waiting = new Map<string, LogFrame[]>();
  #waitingBytes = 0;
  /** Attempts of which something was left out as too much was waiting. */
  readonly #gaps = new Set<string>();
  /** By event and attempt; `undefined` for an event that is not this agent's. */
  readonly #kept = new Map<string, Kept | undefined>();
  #writing: Promise<void> | undefined;

  /** Makes a flow without output. */
  constructor(options: LogFlowOptions) {
    this.#options = options;
  }

  /** Takes a piece; never waits. */
  take(frame: LogFrame): void {
    const bytes = utf8Length(frame.data);
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      this.#gaps.add(nameOf(frame));
      return;
    }
    const gap = this.#gaps.delete(nameOf(frame));
    const { event_id: id } = frame;
    const frames = this.#waiting.get(id) ?? [];
    this.#waiting.set(id, frames);
    frames.push(gap ? { ...frame, trunc: true } : frame);
    this.#waitingBytes += bytes;
    this.#writing ??= this.#write();
  }

  /** Resolves when all that was taken is written, or given up. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (const [id, frames] of this.#waiting) {
      this.#waiting.delete(id);
      const bytes = frames.reduce((sum, { data }) => sum + utf8Length(data), 0);
      try {
        await this.#add(id, frames);
      } catch (error) {
        // Output is worth less than the work: that goes on.
        this.#options.log.warn("Cannot keep output", { event_id: id, error });
      }
      this.#waitingBytes -= bytes;
    }
    this.#writing = undefined;
  }

  async #add(id: string, frames: readonly LogFrame[]): Promise<void> {
    const { store, tenant, agent, foreign, logQuota } = this.#options;
    const chunks: LogChunk[] = [];
    const take = (bytes: number) => logQuota.take(tenant, agent, bytes);
    for (const frame of frames) {
      const kept = await this.#keptOf(frame);
      if (kept === undefined) return foreign(id);
      const chunk = fitting(frame, kept, take);
      if (chunk !== undefined) chunks.push(chunk);
    }
    if (chunks.length > 0) await store.addLogs(tenant, id, chunks);
  }

  /** How much is kept of an attempt; the store knows what earlier sessions brought. */
  async #keptOf(frame: LogFrame): Promise<Kept | undefined> {
    const name = nameOf(frame);
    if (this.#kept.has(name)) return this.#kept.get(name);
    const { store, tenant, agent } = this.#options;
    const { event_id: id, attempt } = frame;
    const record = await store.getEvent(tenant, id);
    const theirs = record?.spec.target_agent === agent &&
      attempt <= record.attempt;
    const kept = theirs ? await this.#count(id, attempt) : undefined;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < ATTEMPTS_MAX) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(name, kept);
    return kept;
  }

  async #count(id: string, attempt: number): Promise<Kept> {
    const { store, tenant } = this.#options;
    const kept: Kept = { bytes: 0, marked: false };
    for (let after = 0;;) {
      const page = await store.listLogs(tenant, id, { after, limit: PAGE });
      for (const chunk of page) {
        if (chunk.attempt !== attempt) continue;
        kept.bytes += utf8Length(chunk.data);
        kept.marked ||= chunk.data === "" && chunk.trunc === true;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return kept;
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

function nameOf({ event_id: id, attempt }: LogFrame): string {
  return `${id} ${attempt}`;
}
