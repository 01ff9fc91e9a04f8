import type { Gap } from "./shared.ts";
import type { Reply } from "./redis_group.ts";

/**
 * How far this process has seen its store come. A store that is behind that is
 * an older one: Redis came back without the end of what it had written, or from
 * a copy, or its place was taken by a replica that had less.
 */
export class Age {
  #era = "";
  #change = 0;
  #acts = 0;

  /** The newest change that is known to be written. */
  get change(): number {
    return this.#change;
  }

  /** Which life of the store it is: another one each time that it was found older. */
  get era(): string {
    return this.#era;
  }

  /** What the script is told, for it to compare. */
  get words(): readonly [era: string, change: string, acts: string] {
    return [this.#era, String(this.#change), String(this.#acts)];
  }

  /** Takes what the script says after its steps. */
  saw(reply: Reply | undefined): void {
    const [change, acts, era] = Array.isArray(reply) ? reply : [];
    this.#change = Math.max(this.#change, Number(change));
    this.#acts = Math.max(this.#acts, Number(acts));
    this.#era = String(era);
  }
}

/** What the script says of a store that is older: the change that was seen, the one that is there, and when that was found. */
export function readGap(text: string, now: number): Gap {
  const [was = 0, is = 0, at = now] = text.split(" ").map(Number);
  return { was, is, at };
}
