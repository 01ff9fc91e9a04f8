import type { EventRecord } from "./store/store.ts";

/** How much one agent may have at a time. */
export interface WindowLimits {
  /** Events. */
  readonly eventsMax: number;
  /** Bytes of their bodies; one alone may have more. */
  readonly bytesMax: number;
}

/** The released events of one agent that have not ended, as one session knows them. */
export class Window {
  readonly #limits: WindowLimits;
  readonly #held = new Map<
    string,
    Pick<EventRecord, "bytes" | "revision">
  >();
  #bytesHeld = 0;
  /** Events that left while the store was asked, with their revisions. */
  readonly #left = new Map<string, number>();

  /** Makes an empty window. */
  constructor(limits: WindowLimits) {
    this.#limits = limits;
  }

  /** Whether there is room for another event. */
  get open(): boolean {
    return this.eventsLeft > 0 && this.bytesLeft > 0;
  }

  /** For how many more events there is room. */
  get eventsLeft(): number {
    return this.#limits.eventsMax - this.#held.size;
  }

  /** For how many more bytes of bodies there is room. */
  get bytesLeft(): number {
    return this.#limits.bytesMax - this.#bytesHeld;
  }

  /** Whether an event is in it. */
  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Whether it holds an event as it was after this record: writes that are made together may be heard of in any order. */
  hasNewer({ spec: { id }, revision }: EventRecord): boolean {
    return (this.#held.get(id)?.revision ?? 0) > revision;
  }

  /** Adds an event, unless it has left since it was read; returns whether it is in now. */
  add({ spec: { id }, revision, bytes }: EventRecord): boolean {
    if ((this.#left.get(id) ?? 0) > revision) return false;
    this.#remove(id);
    this.#held.set(id, { bytes, revision });
    this.#bytesHeld += bytes;
    return true;
  }

  /** Forgets every event, as they are about to be read again. */
  clear(): void {
    this.#held.clear();
    this.#bytesHeld = 0;
  }

  /** Forgets all but these; returns what was forgotten. */
  keep(ids: ReadonlySet<string>): string[] {
    const gone = [...this.#held.keys()].filter((id) => !ids.has(id));
    for (const id of gone) this.#remove(id);
    return gone;
  }

  /** Notes that an event is not released any more; returns whether it was in. */
  left({ spec: { id }, revision }: EventRecord): boolean {
    this.#left.set(id, revision);
    return this.#remove(id);
  }

  /** Says that nothing is being read from the store. */
  settle(): void {
    this.#left.clear();
  }

  #remove(id: string): boolean {
    this.#bytesHeld -= this.#held.get(id)?.bytes ?? 0;
    return this.#held.delete(id);
  }
}
