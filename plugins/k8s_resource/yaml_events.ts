import {
  COLLECTION_STYLE,
  type CollectionStyle,
  type Event,
  EVENT_ID,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from "js-yaml";
import { keyOf, resolveScalar, type ScalarValue } from "./scalar.ts";
import type { Value } from "./yaml_value.ts";

/** What was read. */
export interface Quick {
  /** What the document holds. */
  readonly value: Value;
  /** What it cost to read. */
  readonly tokens: number;
}

/** Events that are worth their memory, about 130 bytes each. */
const EVENTS_MAX = 500_000;

/**
 * What the two readers take differently: tabs before the first sign of a line,
 * marks between documents, blanks at the end where a text may go on, and texts
 * that say how far they are indented.
 */
const UNLIKE_REGEXP = /^ *\t|^(?:---|\.\.\.)|\n +(?![^])|[|>][-+]?[1-9]/m;

/** Nothing that a document can hold: it is to be read by someone else. */
const ODD = Symbol("odd");

/** Signs without which there is no further event. */
const SIGNS: ReadonlySet<number> = new Set(
  [..."\n,:?[]{}-"].map((sign) => sign.charCodeAt(0)),
);

/** Whether a text cannot have more events than that; what is quoted is counted, too. */
function isSmall(text: string): boolean {
  if (text.length < EVENTS_MAX / 2) return true;
  let events = 0;
  for (let at = 0; at < text.length; at++) {
    if (SIGNS.has(text.charCodeAt(at))) events += 2;
  }
  return events < EVENTS_MAX;
}

function eventsOf(text: string, depthMax: number): readonly Event[] {
  try {
    return parseEvents(text, { maxDepth: depthMax });
  } catch (error) {
    if (error instanceof YAMLException) return [];
    throw error;
  }
}

/** Turns events into values, as long as there is nothing odd. */
class Builder {
  readonly #text: string;
  readonly #events: readonly Event[];
  #at = 1; // the first event begins the document

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
  }

  /** The whole document, which has to be the only one, and a mapping. */
  document(): Value | typeof ODD {
    const [start] = this.#events;
    const isMarkedOff = start?.type !== EVENT_ID.DOCUMENT ||
      start.explicitStart || start.explicitEnd;
    const event = this.#events[this.#at++];
    if (isMarkedOff || event?.type !== EVENT_ID.MAPPING) return ODD;
    const value = this.#node(event);
    return this.#at === this.#events.length - 1 ? value : ODD;
  }

  #node(event: Event | undefined): Value | typeof ODD {
    switch (event?.type) {
      case EVENT_ID.SCALAR:
        return this.#scalar(event);
      case EVENT_ID.MAPPING:
        return isMarked(event) ? ODD : this.#mapping(event.style);
      case EVENT_ID.SEQUENCE:
        return isMarked(event) ? ODD : this.#sequence();
      default:
        return ODD;
    }
  }

  #scalar(event: ScalarEvent): ScalarValue | typeof ODD {
    if (isMarked(event)) return ODD;
    const text = getScalarValue(this.#text, event);
    const plain = event.style === SCALAR_STYLE.PLAIN;
    try {
      return resolveScalar({ text, plain });
    } catch (error) {
      if (error instanceof RangeError) return ODD;
      throw error;
    }
  }

  #sequence(): Value | typeof ODD {
    const items: Value[] = [];
    for (;;) {
      const event = this.#events[this.#at++];
      if (event?.type === EVENT_ID.POP) return items;
      const item = this.#node(event);
      if (item === ODD) return ODD;
      items.push(item);
    }
  }

  #mapping(style: CollectionStyle): Value | typeof ODD {
    const entries = new Map<string, Value>();
    const isBlock = style === COLLECTION_STYLE.BLOCK;
    for (;;) {
      const event = this.#events[this.#at++];
      if (event?.type === EVENT_ID.POP) return Object.fromEntries(entries);
      const name = event?.type === EVENT_ID.SCALAR ? this.#name(event) : ODD;
      if (name === ODD || entries.has(name)) return ODD;
      // It would be taken for one that stands behind a quote or a bracket, too.
      if (isBlock && entries.size > 0 && !this.#beginsLine(event)) return ODD;
      const value = this.#node(this.#events[this.#at++]);
      if (value === ODD) return ODD;
      entries.set(name, value);
    }
  }

  #beginsLine(event: Event | undefined): boolean {
    if (event?.type !== EVENT_ID.SCALAR) return false;
    const quote = event.style === SCALAR_STYLE.PLAIN ? 0 : 1;
    let at = event.valueStart - quote;
    while (this.#text[at - 1] === " ") at--;
    return this.#text[at - 1] === "\n";
  }

  #name(event: ScalarEvent): string | typeof ODD {
    const key = this.#scalar(event);
    const merges = key === "<<" && event.style === SCALAR_STYLE.PLAIN;
    return key === ODD || key === null || merges ? ODD : keyOf(key);
  }
}

function isMarked(
  { anchorStart, tagStart }: {
    readonly anchorStart: number;
    readonly tagStart: number;
  },
): boolean {
  return anchorStart !== -1 || tagStart !== -1;
}

/**
 * Reads an ordinary document, many times faster than the thorough reader and
 * in a fraction of its memory: one without anchors and tags in which nothing
 * is wrong. Whatever it reads the thorough reader reads as the same.
 *
 * @param text The document.
 * @param depthMax How deep collections may be nested.
 * @returns What it holds; `undefined`: the thorough reader has to read it.
 */
export function readQuickly(text: string, depthMax: number): Quick | undefined {
  if (UNLIKE_REGEXP.test(text) || !isSmall(text)) return undefined;
  const events = eventsOf(text, depthMax);
  const value = new Builder(text, events).document();
  return value === ODD ? undefined : { value, tokens: events.length };
}
