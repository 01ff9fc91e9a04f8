import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar, isSeq } from "yaml";
import type { Document, Pair, ParsedNode, YAMLMap } from "yaml";
import { stringifyExactly } from "./exact_json.ts";
import { isMapping, Unreadable, type Value } from "./yaml_value.ts";

/** Keys and values, as JSON has them. */
export type Mapping = { readonly [key: string]: Value };

/** A key of a mapping, or a place in a list. */
export type Step = string | number;

/** A change to one mapping of a document. */
export interface Edit {
  /** The keys, and places in lists, that lead to the mapping; without any, it is the top itself. */
  readonly at?: readonly Step[];
  /** What stands in place of each key's pair: several pairs, one, or none. At least one pair has to be left. */
  readonly instead?: { readonly [key: string]: Mapping };
  /** New pairs, which are put in front of the first one; there has to be one. */
  readonly add?: Mapping;
}

type MapNode = YAMLMap.Parsed;
type PairNode = Pair<ParsedNode, ParsedNode | null>;

/** A piece of the text, and what it becomes. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function pairAt(map: MapNode, key: string): PairNode | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** Where a pair ends: after the last character of its value that is not blank. */
function endOf({ key, value }: PairNode, text: string): number {
  const [start] = key.range;
  const end = Math.max(key.range[1], value?.range[1] ?? 0);
  const written = text.slice(start, end).trimEnd();
  // A key without a value ends at its colon.
  const colon = /^\s*:/.exec(text.slice(start + written.length));
  return start + written.length +
    (value === null || value.range[0] === value.range[1]
      ? colon?.[0].length ?? 0
      : 0);
}

/** Takes a pair out: the lines it stands on, or from one comma to the next. */
function withoutPair(map: MapNode, pair: PairNode, text: string): Splice {
  const index = map.items.indexOf(pair);
  const [start] = pair.key.range;
  const end = endOf(pair, text);
  const after = map.items[index + 1];
  const lineStart = text.lastIndexOf("\n", start) + 1;
  // What begins an element of a list shares its line with the dash, which has to stay.
  if (!map.flow && after && text.slice(lineStart, start).trim() !== "") {
    return { start, end: after.key.range[0], text: "" };
  }
  if (!map.flow) {
    const newline = text.indexOf("\n", end);
    return {
      start: lineStart,
      end: newline === -1 ? text.length : newline + 1,
      text: "",
    };
  }
  const before = map.items[index - 1];
  return before === undefined
    ? { start, end: after?.key.range[0] ?? end, text: "" }
    : { start: endOf(before, text), end, text: "" };
}

/** Pairs as they are written in a mapping, and what stands between two of them. */
function written(
  mapping: Mapping,
  place: {
    readonly map: MapNode;
    readonly start: number;
    readonly text: string;
  },
): { readonly pairs: readonly string[]; readonly between: string } {
  const { map, start, text } = place;
  const column = start - text.lastIndexOf("\n", start) - 1;
  return {
    pairs: Object.entries(mapping).map(([name, value]) =>
      `${JSON.stringify(name)}: ${stringifyExactly(value)}`
    ),
    between: map.flow ? ", " : `\n${" ".repeat(column)}`,
  };
}

function splicesOf(
  map: MapNode,
  { instead = {}, add = {} }: Edit,
  text: string,
): Splice[] {
  const replaced = Object.entries(instead).flatMap(
    ([key, mapping]): Splice[] => {
      const pair = pairAt(map, key);
      if (pair === undefined) return [];
      const [start] = pair.key.range;
      const { pairs, between } = written(mapping, { map, start, text });
      if (pairs.length === 0) return [withoutPair(map, pair, text)];
      return [{ start, end: endOf(pair, text), text: pairs.join(between) }];
    },
  );
  const [first] = map.items;
  if (first === undefined) return replaced;
  const [start] = first.key.range;
  const { pairs, between } = written(add, { map, start, text });
  const added = pairs.map((pair) => pair + between).join("");
  return [...replaced, { start, end: start, text: added }];
}

function mappingAt(
  document: Document.Parsed,
  path: readonly Step[],
): unknown {
  return path.reduce<unknown>((at, step) => {
    if (isMap(at)) return pairAt(at as MapNode, String(step))?.value;
    return isSeq(at) ? at.items[Number(step)] : undefined;
  }, document.contents);
}

function valueBelow(value: Value | undefined, step: Step): Value | undefined {
  if (Array.isArray(value)) return value[Number(step)];
  return isMapping(value) ? value[step] : undefined;
}

/** The value with another mapping at the path. */
function withAt(
  value: Value | undefined,
  [step, ...rest]: readonly Step[],
  after: Mapping,
): Value {
  if (step === undefined) return after;
  const below = withAt(valueBelow(value, step), rest, after);
  if (Array.isArray(value)) return value.with(Number(step), below);
  return { ...isMapping(value) ? value : {}, [step]: below };
}

function changed(mapping: Mapping, { instead = {}, add }: Edit): Mapping {
  const kept = Object.entries(mapping).filter(([key]) => !(key in instead));
  return Object.assign(
    Object.fromEntries(kept),
    ...Object.values(instead),
    add,
  );
}

/**
 * Changes pairs of one mapping in the text of a document; every other byte
 * stays. The text is read again after it, so that a mistake, or an anchor in
 * what was taken out, is a refusal and never another object.
 *
 * @param source The document: its text, its nodes and what it holds.
 * @param edit What to change; a key that is not there is passed over.
 * @param read Reads a text.
 * @returns The text that means what the document does, with the change made.
 * @throws {Unreadable} What is to be changed is not written in one place.
 */
export function editText(
  source: {
    readonly text: string;
    readonly document: Document.Parsed;
    readonly value: Mapping;
  },
  edit: Edit,
  read: (text: string) => Value,
): string {
  const { text, document, value } = source;
  const { at = [], instead = {}, add = {} } = edit;
  const map = mappingAt(document, at);
  const entries = Object.entries(instead);
  const set = entries.filter(([, pairs]) => Object.keys(pairs).length > 0);
  const names = (set.length > 0 ? set : entries)
    .map(([key]) => key)
    .concat(Object.keys(add).length > 0 ? at.slice(-1).map(String) : [])
    .map((key) => `"${key}"`).join(", ");
  const refusal = new Unreadable(
    `${names} cannot be rewritten; do not share them by an anchor, an alias or "<<", and write them as "key: value"`,
    isMap<ParsedNode>(map) ? map.range?.[0] ?? 0 : 0,
  );
  if (!isMap(map)) throw refusal;
  const splices = splicesOf(map as MapNode, edit, text);
  const edited = splices.toSorted((a, b) => b.start - a.start).reduce(
    (now, { start, end, text }) => now.slice(0, start) + text + now.slice(end),
    text,
  );
  const before = at.reduce(valueBelow, value as Value | undefined);
  if (!isMapping(before)) throw refusal;
  const wanted = withAt(value, at, changed(before, edit));
  let found: Value;
  try {
    found = read(edited);
  } catch (error) {
    if (error instanceof Unreadable) refusal.cause = error;
    throw error instanceof Unreadable ? refusal : error;
  }
  if (!isDeepStrictEqual(found, wanted)) throw refusal;
  return edited;
}
