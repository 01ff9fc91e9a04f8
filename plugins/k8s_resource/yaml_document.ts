import {
  Composer,
  CST,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
} from "yaml";
import type { Document, ErrorCode } from "yaml";
import { type Edit, editText } from "./yaml_edit.ts";
import { type Quick, readQuickly } from "./yaml_events.ts";
import { isMapping, Unreadable, type Value, valueOf } from "./yaml_value.ts";

/** A document that was read. */
export interface Reading {
  /** What it holds; `null` when it is empty. */
  readonly value: Value;
  /** How many tokens its text has: what it cost to read. */
  readonly tokens: number;
  /** The texts of the elements of the top-level `items`, cut out unchanged. */
  items(): readonly Slice[];
  /** The text with some pairs changed, and every other byte as it was; throws {@linkcode Unreadable}. */
  edit(edit: Edit): string;
}

/** A piece of a document that is a document itself. */
export interface Slice {
  /** The line of the document it starts on, from 0. */
  readonly line: number;
  /** The text. */
  readonly text: string;
}

/** Levels of nesting; a CRD's schema needs about 50. */
export const DEPTH_MAX = 64;

/**
 * Tokens of a document, such as a name, a colon or the spaces before it. Each
 * takes up to 250 bytes of memory, so that a document of 100 KB that is nothing
 * but brackets and commas could take as much as a whole control plane has.
 * A megabyte of ordinary YAML has about this many.
 */
const TOKENS_MAX = 250_000;

/** Characters that end a line for the server (YAML 1.1), and not for us (YAML 1.2) or not everywhere; and NUL. */
const UNCLEAR_REGEXP = /[\0\u0085\u2028\u2029]|\r(?!\n)/;

const SYNTAX: Partial<Readonly<Record<ErrorCode, string>>> = {
  BAD_INDENT: "the indentation is wrong, or a flow collection does not end",
  BLOCK_AS_IMPLICIT_KEY: "a mapping starts in the middle of a line",
  MISSING_CHAR:
    "something is missing, such as a quote, a colon, a comma or a bracket",
  TAB_AS_INDENT: "a tab is used for indentation, where YAML allows spaces only",
  UNEXPECTED_TOKEN: "there is something that cannot stand here",
};

function compose(
  text: string,
  lines: LineCounter,
): { readonly document: Document.Parsed; readonly tokens: number } {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false, // we look after the tags are resolved: `1` and "1" are one key
    prettyErrors: false,
    logLevel: "silent",
  });
  const parsed = [];
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++tokens > TOKENS_MAX) {
      throw new Unreadable(
        `it has more than ${TOKENS_MAX} names, values and signs: make several documents of it`,
        parser.offset,
      );
    }
    parsed.push(...parser.next(lexeme));
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
  parsed.push(...parser.end());
  const [document] = [...composer.compose(parsed, true, text.length)];
  if (document === undefined) {
    throw new RangeError("The composer made no document");
  }
  const [error] = document.errors;
  if (error !== undefined) {
    throw new Unreadable(SYNTAX[error.code] ?? error.message, error.pos[0]);
  }
  return { document, tokens };
}

/**
 * Cuts the elements of the top-level `items` out of the text. Each keeps its
 * bytes; spaces in front of the first line keep its column, so that the lines
 * below it still fit.
 */
function sliceItems(
  text: string,
  document: Document.Parsed,
  lines: LineCounter,
): Slice[] {
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
    const { line, col } = lines.linePos(start);
    return {
      line: line - 1,
      text: (block ? " ".repeat(col - 1) : "") + text.slice(start, end),
    };
  });
}

/** What is known of the way a document is written. */
interface Written {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly tokens: number;
}

function written(text: string): Written {
  const lines = new LineCounter();
  return { ...compose(text, lines), lines };
}

/**
 * Reads one YAML document as a Kubernetes API server would read it, within
 * bounds, and strictly: no key twice, no tags but YAML's own. An ordinary one
 * is read quickly; how one is written is looked at when it is anything else,
 * or is asked for.
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
  const quick = readQuickly(text, DEPTH_MAX);
  return quick === undefined || hasItems(quick)
    ? readThoroughly(text)
    : readingOf(text, quick, () => written(text));
}

/** Whether it may be a List: its items are cut out of the text, which takes the other reader. */
function hasItems({ value }: Quick): boolean {
  return isMapping(value) && Array.isArray(value.items);
}

/** As {@linkcode readYaml}, by the reader that says what is wrong. */
export function readThoroughly(text: string): Reading {
  const known = written(text);
  const { document, tokens } = known;
  const value = valueOf(document.contents);
  return readingOf(text, { value, tokens }, () => known);
}

function readingOf(
  text: string,
  { value, tokens }: Quick,
  look: () => Written,
): Reading {
  return {
    value,
    tokens,
    items() {
      const { document, lines } = look();
      return sliceItems(text, document, lines);
    },
    edit(edit) {
      if (!isMapping(value)) throw new RangeError("Only a mapping has pairs");
      const { document } = look();
      return editText(
        { text, document, value },
        edit,
        (edited) => readYaml(edited).value,
      );
    },
  };
}
