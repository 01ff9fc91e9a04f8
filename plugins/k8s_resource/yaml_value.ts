import { isAlias, isMap, isScalar, isSeq } from "yaml";
import type { Alias, ParsedNode, YAMLMap, YAMLSeq } from "yaml";
import {
  keyOf,
  resolveScalar,
  SCALAR_TAGS,
  type ScalarValue,
} from "./scalar.ts";

/** What a document holds, as JSON has it. */
export type Value = ScalarValue | readonly Value[] | {
  readonly [key: string]: Value;
};

/** Why a text cannot be read, and where; never leaves this plugin. */
export class Unreadable extends Error {
  /** Where in the text, in UTF-16 units. */
  readonly offset: number;

  /** Makes one; `message` continues a sentence. */
  constructor(message: string, offset: number) {
    super(message);
    this.name = "Unreadable";
    this.offset = offset;
  }
}

/** Aliases in a document, each counted with those in what it stands for. */
export const ALIASES_MAX = 100;

const COLLECTION_TAGS = {
  map: "tag:yaml.org,2002:map",
  seq: "tag:yaml.org,2002:seq",
} as const;

interface Converted {
  readonly value: Value;
  /** Aliases in it, those in what they stand for included. */
  readonly aliases: number;
}

/** Turns nodes into values, as the server would. */
class Converter {
  readonly #anchors = new Map<string, Converted | "open">();

  convert(node: ParsedNode | Alias | null, at: number): Converted {
    if (node === null) return { value: null, aliases: 0 };
    const offset = node.range?.[0] ?? at;
    if (isAlias(node)) return this.#resolve(node.source, offset);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, "open");
    const converted = this.#plain(node, offset);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, converted);
    return converted;
  }

  #plain(node: Exclude<ParsedNode, Alias.Parsed>, offset: number): Converted {
    if (isMap(node)) return this.#map(node, offset);
    if (isSeq(node)) return this.#seq(node, offset);
    const tag = node.tag;
    if (tag !== undefined && !SCALAR_TAGS.has(tag)) {
      throw customTag(tag, offset);
    }
    const text = typeof node.value === "string" ? node.value : node.source;
    try {
      return {
        value: resolveScalar({ text, plain: node.type === "PLAIN", tag }),
        aliases: 0,
      };
    } catch (cause) {
      throw new Unreadable(
        cause instanceof Error ? cause.message : String(cause),
        offset,
      );
    }
  }

  #resolve(name: string, offset: number): Converted {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      throw new Unreadable(
        `the alias "*${name}" has no anchor before it`,
        offset,
      );
    }
    if (target === "open") {
      throw new Unreadable(
        `the alias "*${name}" stands for what it is a part of`,
        offset,
      );
    }
    return {
      value: target.value,
      aliases: this.#count(target.aliases + 1, offset),
    };
  }

  #count(aliases: number, offset: number): number {
    if (aliases > ALIASES_MAX) {
      throw new Unreadable(
        `its aliases expand to more than the ${ALIASES_MAX} that are allowed`,
        offset,
      );
    }
    return aliases;
  }

  #seq(node: YAMLSeq.Parsed, offset: number): Converted {
    if (node.tag !== undefined && node.tag !== COLLECTION_TAGS.seq) {
      throw customTag(node.tag, offset);
    }
    let aliases = 0;
    const value = node.items.map((item) => {
      const converted = this.convert(item, offset);
      aliases = this.#count(aliases + converted.aliases, offset);
      return converted.value;
    });
    return { value, aliases };
  }

  #map(node: YAMLMap.Parsed, offset: number): Converted {
    if (node.tag !== undefined && node.tag !== COLLECTION_TAGS.map) {
      throw customTag(node.tag, offset);
    }
    let aliases = 0;
    const entries = new Map<string, Value>();
    for (const pair of node.items) {
      const keyOffset = pair.key.range[0];
      const key = this.convert(pair.key, offset);
      const value = this.convert(pair.value, keyOffset);
      aliases = this.#count(aliases + key.aliases + value.aliases, keyOffset);
      const merge = isScalar(pair.key) && pair.key.type === "PLAIN" &&
        pair.key.value === "<<";
      const added: [string, Value][] = merge
        ? mergedEntries(value.value, keyOffset)
        : [[nameOf(key.value, keyOffset), value.value]];
      for (const [name, each] of added) {
        if (entries.has(name)) throw twice(name, keyOffset);
        entries.set(name, each);
      }
    }
    return { value: Object.fromEntries(entries), aliases };
  }
}

/** The server, told to be strict, refuses a key that `<<` brings in besides as well (seen on 1.36.3). */
function twice(name: string, offset: number): Unreadable {
  return new Unreadable(
    `the key "${name}" is there twice, written or through "<<"`,
    offset,
  );
}

function customTag(tag: string, offset: number): Unreadable {
  return new Unreadable(
    `the tag "${tag}" is none that Kubernetes knows`,
    offset,
  );
}

function nameOf(key: Value, offset: number): string {
  if (typeof key === "object" && key !== null) {
    throw new Unreadable("a mapping or a sequence cannot be a key", offset);
  }
  try {
    return keyOf(key);
  } catch (cause) {
    throw new Unreadable(
      cause instanceof Error ? cause.message : String(cause),
      offset,
    );
  }
}

/** Whether a value is a mapping. */
export function isMapping(
  value: Value | undefined,
): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `<<` brings in: a mapping, or several. */
function mergedEntries(value: Value, offset: number): [string, Value][] {
  const sources = Array.isArray(value) ? value : [value];
  return sources.flatMap((source: Value) => {
    if (!isMapping(source)) {
      throw new Unreadable(
        'the key "<<" needs a mapping, or a list of them',
        offset,
      );
    }
    return Object.entries(source);
  });
}

/**
 * Turns a document's nodes into what they mean to an API server.
 *
 * @param node The top of the document.
 * @returns Its value; aliases become what they stand for.
 * @throws {Unreadable} It breaks a rule.
 */
export function valueOf(node: ParsedNode | null): Value {
  return new Converter().convert(node, 0).value;
}
