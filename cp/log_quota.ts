import type { Clock } from "@transporter/sdk";

/** Bytes of output that are kept of one agent within an hour. */
export const AGENT_LOG_BYTES_MAX = 256 * 1024 * 1024;

const HOUR_MS = 3600_000;

/** Agents that are remembered; beyond that those go whose hour is over. */
const AGENTS_MAX = 10_000;

interface Hour {
  readonly since: number;
  bytes: number;
}

/** How much output of each agent may be kept: so no agent fills a disk that others need. */
export class LogQuota {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #hours = new Map<string, Hour>();

  /** Makes one of which nothing is used. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Takes bytes off what an agent may have kept; false, and nothing is taken, when it has not so many left. */
  take(tenant: string, agent: string, bytes: number): boolean {
    const now = this.#clock.monotonic();
    const name = `${tenant} ${agent}`;
    let hour = this.#hours.get(name);
    if (hour === undefined || now - hour.since >= HOUR_MS) {
      if (this.#hours.size >= AGENTS_MAX) this.#forget(now);
      hour = { since: now, bytes: 0 };
      this.#hours.set(name, hour);
    }
    if (hour.bytes + bytes > AGENT_LOG_BYTES_MAX) return false;
    hour.bytes += bytes;
    return true;
  }

  #forget(now: number): void {
    for (const [name, { since }] of this.#hours) {
      if (now - since >= HOUR_MS) this.#hours.delete(name);
    }
  }
}

/** What bounds all sessions together. */
export interface Quotas {
  /** How much output is kept of each agent. */
  readonly logQuota: LogQuota;
}
