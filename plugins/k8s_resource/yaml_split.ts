/** One document of a YAML stream, as text. */
export interface DocumentText {
  /** Counts from 1; empty documents count. */
  readonly number: number;
  /** The line its text starts on, from 1. */
  readonly line: number;
  /** What stands between its markers, byte for byte. */
  readonly text: string;
  /** The directives before it, such as `%YAML 1.1`. */
  readonly directives: readonly string[];
}

/** A marker at the start of a line; YAML lets none stand inside a scalar (YAML 1.2.2, 9.1.2 `c-forbidden`). */
const MARKER_REGEXP = /^(---|\.\.\.)(?=[ \t\r\n]|$)/;

/** What may stand between a marker and what follows; the server takes no tab there. */
const BLANKS_REGEXP = /[ \t]*/y;

interface Open {
  start: number;
  line: number;
  directives: string[];
  /** `prefix`: comments and directives so far; `body`: the document itself. */
  state: "prefix" | "body";
}

/**
 * Cuts a YAML stream into its documents without reading them, so that each can
 * be read, and sent, on its own.
 *
 * @param source The stream.
 * @returns Its documents in order; the empty ones too.
 * @see {@link https://yaml.org/spec/1.2.2/#chapter-9-document-stream-productions}
 */
export function splitDocuments(source: string): DocumentText[] {
  const documents: DocumentText[] = [];
  function begin(start: number, line: number): Open {
    return { start, line, directives: [], state: "prefix" };
  }
  let open = begin(0, 1);
  function end(at: number): void {
    const { start, line, directives } = open;
    const text = source.slice(start, at);
    documents.push({ number: documents.length + 1, line, text, directives });
  }
  let line = 1;
  for (let at = 0; at < source.length; line++) {
    const newline = source.indexOf("\n", at);
    const next = newline === -1 ? source.length : newline + 1;
    const bom = source.charCodeAt(at) === 0xfeff ? 1 : 0;
    const marker = MARKER_REGEXP.exec(
      source.slice(at + bom, Math.min(next, at + bom + 4)),
    )?.[1];
    if (marker === "---") {
      if (open.state === "body") {
        end(at);
        open = begin(at, line);
      }
      BLANKS_REGEXP.lastIndex = at + bom + 3;
      BLANKS_REGEXP.test(source);
      open.start = BLANKS_REGEXP.lastIndex;
      open.line = line;
      open.state = "body";
    } else if (marker === "...") {
      if (open.state === "body") end(at);
      open = begin(next, line + 1);
    } else if (open.state === "body") {
      // A file that was put after a marker begins with the mark of a file.
      if (bom === 1 && source.slice(open.start, at).trim() === "") {
        open.start = at + bom;
        open.line = line;
      }
    } else {
      const text = source.slice(at + bom, next).trim();
      if (text.startsWith("%")) open.directives.push(text);
      else if (text !== "" && !text.startsWith("#")) open.state = "body";
    }
    at = next;
  }
  if (open.state === "body" || documents.length === 0) end(source.length);
  return documents;
}
