import {
  Composer,
  CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  Parser,
} from "yaml";
import type {
  Alias,
  Document,
  ErrorCode,
  ParsedNode,
  YAMLMap,
  YAMLSeq,
} from "yaml";
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

/** A document that was read. */
export interface Reading {
  /** What it holds; `null` when it is empty. */
  readonly value: Value;
  /** The texts of the elements of the top-level `items`, cut out unchanged. */
  items(): readonly Slice[];
}

/** A piece of a document that is a document itself. */
export interface Slice {
  /** Where it starts in the document, in UTF-16 units. */
  readonly offset: number;
  /** The text. */
  readonly text: string;
}

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

/** Levels of nesting (security.md E.8); a CRD's schema needs about 50. */
export const DEPTH_MAX = 64;

/** Aliases in a document, each counted with those in what it stands for (security.md E.8). */
export const ALIASES_MAX = 100;

/** Characters that end a line for the server (YAML 1.1), and not for us (YAML 1.2) or not everywhere; and NUL. */
// deno-lint-ignore no-control-regex -- NUL is what is looked for
const UNCLEAR_REGEXP = /[\0\u0085\u2028\u2029]|\r(?!\n)/;

const COLLECTION_TAGS = {
  map: "tag:yaml.org,2002:map",
  seq: "tag:yaml.org,2002:seq",
} as const;

const SYNTAX: Partial<Readonly<Record<ErrorCode, string>>> = {
  BAD_INDENT: "the indentation is wrong, or a flow collection does not end",
  BLOCK_AS_IMPLICIT_KEY: "a mapping starts in the middle of a line",
  MISSING_CHAR:
    "something is missing, such as a quote, a colon, a comma or a bracket",
  TAB_AS_INDENT: "a tab is used for indentation, where YAML allows spaces only",
  UNEXPECTED_TOKEN: "there is something that cannot stand here",
};

function compose(text: string): Document.Parsed {
  const parser = new Parser();
  const composer = new Composer({
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false, // we look after the tags are resolved: `1` and "1" are one key
    prettyErrors: false,
    logLevel: "silent",
  });
  const tokens = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    // The parser keeps a stack; the composer after it would recurse.
    if (
      parser.stack.length > DEPTH_MAX &&
      parser.stack.filter(CST.isCollection).length > DEPTH_MAX
    ) {
      throw new Unreadable(
        `it is nested deeper than ${DEPTH_MAX} levels`,
        parser.offset,
      );
    }
  }
  tokens.push(...parser.end());
  const [document] = [...composer.compose(tokens, true, text.length)];
  if (document === undefined) {
    throw new RangeError("The composer made no document");
  }
  const [error] = document.errors;
  if (error !== undefined) {
    throw new Unreadable(SYNTAX[error.code] ?? error.message, error.pos[0]);
  }
  return document;
}

interface Converted {
  readonly value: Value;
  /** Aliases in it, those in what they stand for included. */
  readonly aliases: number;
}

/** Turns nodes into values; one for each document. */
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
    const own = new Map<string, Value>();
    const merged = new Map<string, Value>();
    for (const pair of node.items) {
      const keyOffset = pair.key.range[0];
      const key = this.convert(pair.key, offset);
      const value = this.convert(pair.value, keyOffset);
      aliases = this.#count(aliases + key.aliases + value.aliases, keyOffset);
      if (
        isScalar(pair.key) && pair.key.type === "PLAIN" &&
        pair.key.value === "<<"
      ) {
        for (const [name, each] of mergedEntries(value.value, keyOffset)) {
          if (!merged.has(name)) merged.set(name, each);
        }
        continue;
      }
      const name = nameOf(key.value, keyOffset);
      if (own.has(name)) {
        throw new Unreadable(`the key "${name}" is there twice`, keyOffset);
      }
      own.set(name, value.value);
    }
    return { value: Object.fromEntries([...merged, ...own]), aliases };
  }
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

/** What `<<` brings in; of several mappings the first one wins. */
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
 * Cuts the elements of the top-level `items` out of the text. Each keeps its
 * bytes; spaces in front of the first line keep its column, so that the lines
 * below it still fit.
 */
function sliceItems(text: string, document: Document.Parsed): Slice[] {
  const root = document.contents;
  if (!isMap(root)) return [];
  const pair = root.items.find(({ key }) =>
    isScalar(key) && key.value === "items"
  );
  const items = pair?.value;
  if (!isSeq(items)) return [];
  return items.items.map((item) => {
    const block = isMap(item) && !item.flow;
    const [start, valueEnd, nodeEnd] = item.range;
    const end = block ? nodeEnd : valueEnd;
    const column = start - (text.lastIndexOf("\n", start - 1) + 1);
    return {
      offset: start,
      text: (block ? " ".repeat(column) : "") + text.slice(start, end),
    };
  });
}

/**
 * Reads one YAML document as a Kubernetes API server would read it, within
 * bounds, and strictly: no key twice, no tags but YAML's own.
 *
 * @param text The document, without markers and directives.
 * @returns What it holds.
 * @throws {Unreadable} It is no YAML, or breaks a rule.
 */
export function readYaml(text: string): Reading {
  const unclear = UNCLEAR_REGEXP.exec(text);
  if (unclear !== null) {
    const code = unclear[0].charCodeAt(0).toString(16).toUpperCase().padStart(
      4,
      "0",
    );
    throw new Unreadable(
      `the character U+${code} cannot stand in YAML; write it as "\\u${code}" in double quotes`,
      unclear.index,
    );
  }
  const document = compose(text);
  const { value } = new Converter().convert(document.contents, 0);
  return { value, items: () => sliceItems(text, document) };
}
