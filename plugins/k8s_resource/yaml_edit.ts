import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar } from "yaml";
import type { Document, Pair, ParsedNode, YAMLMap } from "yaml";
import { isMapping, Unreadable, type Value } from "./yaml_value.ts";

/** Keys and values, as JSON has them. */
export type Mapping = { readonly [key: string]: Value };

/** A change to one mapping of a document. */
export interface Edit {
  /** The key at the top whose mapping it is; without one, the top itself. */
  readonly at?: string;
  /** What stands in place of each key's pair: several pairs, one, or none. At least one pair has to be left. */
  readonly instead: { readonly [key: string]: Mapping };
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
  if (!map.flow) {
    const newline = text.indexOf("\n", end);
    return {
      start: text.lastIndexOf("\n", start) + 1,
      end: newline === -1 ? text.length : newline + 1,
      text: "",
    };
  }
  const before = map.items[index - 1];
  const after = map.items[index + 1];
  return before === undefined
    ? { start, end: after?.key.range[0] ?? end, text: "" }
    : { start: endOf(before, text), end, text: "" };
}

function splicesOf(
  map: MapNode,
  instead: Edit["instead"],
  text: string,
): Splice[] {
  return Object.entries(instead).flatMap(([key, mapping]): Splice[] => {
    const pair = pairAt(map, key);
    if (pair === undefined) return [];
    const pairs = Object.entries(mapping).map(([name, value]) =>
      `${JSON.stringify(name)}: ${JSON.stringify(value)}`
    );
    if (pairs.length === 0) return [withoutPair(map, pair, text)];
    const [start] = pair.key.range;
    const column = start - text.lastIndexOf("\n", start) - 1;
    const between = map.flow ? ", " : `\n${" ".repeat(column)}`;
    return [{ start, end: endOf(pair, text), text: pairs.join(between) }];
  });
}

function mappingAt(document: Document.Parsed, at?: string): unknown {
  const top = document.contents;
  if (at === undefined || !isMap(top)) return top;
  return pairAt(top as MapNode, at)?.value;
}

function changed(mapping: Mapping, instead: Edit["instead"]): Mapping {
  const kept = Object.entries(mapping).filter(([key]) => !(key in instead));
  return Object.assign(Object.fromEntries(kept), ...Object.values(instead));
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
  const map = mappingAt(document, edit.at);
  const names = Object.entries(edit.instead)
    .filter(([, pairs]) => Object.keys(pairs).length > 0)
    .map(([key]) => `"${key}"`).join(", ");
  const refusal = new Unreadable(
    `${names} cannot be rewritten; do not share them by an anchor, an alias or "<<", and write them as "key: value"`,
    isMap<ParsedNode>(map) ? map.range?.[0] ?? 0 : 0,
  );
  if (!isMap(map)) throw refusal;
  const splices = splicesOf(map as MapNode, edit.instead, text);
  const edited = splices.toSorted((a, b) => b.start - a.start).reduce(
    (now, { start, end, text }) => now.slice(0, start) + text + now.slice(end),
    text,
  );
  const before = edit.at === undefined ? value : value[edit.at];
  if (!isMapping(before)) throw refusal;
  const after = changed(before, edit.instead);
  const wanted = edit.at === undefined ? after : { ...value, [edit.at]: after };
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
