import type { Logger } from "@transporter/sdk";
import type { Replica } from "./port.ts";

/** How far the clocks of two replicas may be apart, in milliseconds: deadlines are wrong by as much. */
const APART_MS_MAX = 1000;

/** How far the clocks of replicas are apart, in milliseconds; `undefined` while fewer than two are known. */
export function clocksApartMs(
  replicas: readonly Replica[],
): number | undefined {
  const known = replicas.flatMap(({ aheadMs }) => aheadMs ?? []);
  return known.length < 2 ? undefined : Math.max(...known) - Math.min(...known);
}

/** Says, once for each, whose clock is not that of this replica. */
export class ClockWatch {
  readonly #log: Logger;
  /** Of whom it was said. */
  #said: ReadonlySet<string> = new Set();

  /** Has compared nothing yet. */
  constructor(log: Logger) {
    this.#log = log;
  }

  /** Compares the clock of a replica with those of all that live. */
  compare(self: string, replicas: readonly Replica[]): void {
    const mine = replicas.find(({ id }) => id === self)?.aheadMs;
    if (mine === undefined) return;
    const wrong = replicas.filter(({ aheadMs = mine }) =>
      Math.abs(aheadMs - mine) > APART_MS_MAX
    );
    for (const { id, name, aheadMs = mine } of wrong) {
      if (this.#said.has(id)) continue;
      const ms = aheadMs - mine;
      this.#log.warn(
        `The clock of the replica "${name}" is ${Math.abs(ms)} ms ${
          ms > 0 ? "ahead of" : "behind"
        } the one here: deadlines are wrong by as much, so set both (NTP)`,
        { replica: name, ahead_ms: ms },
      );
    }
    this.#said = new Set(wrong.map(({ id }) => id));
  }
}
