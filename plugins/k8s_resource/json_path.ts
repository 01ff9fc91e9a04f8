import { TransporterError } from "@transporter/sdk";
import { JSONPathEnvironment, JSONPathError, type JSONValue } from "json-p3";

/** A path that was read. */
export interface FieldPath {
  /** As it was written. */
  readonly text: string;
  /** What stands there: a value, or a list of values when the path may lead to several; `undefined` when nothing does. */
  find(object: Readonly<Record<string, unknown>>): unknown;
}

const environment = new JSONPathEnvironment({ strict: true });
// They take regular expressions, which can run for ever on a small text.
environment.functionRegister.delete("match");
environment.functionRegister.delete("search");

/** A name that the standard takes without quotes. */
const PLAIN_REGEXP = /^[A-Za-z_]\w*$/;

/** `.name` as `kubectl` reads it: any characters, a dot within it behind a backslash. After two dots it may be anywhere. */
const SEGMENT_REGEXP = /(\.?)\.((?:[^.[\]\\\s(){}]|\\.)+)/g;

/** Puts names that the standard does not take without quotes into brackets. */
function quoted(path: string): string {
  return path.replace(SEGMENT_REGEXP, (_, dot: string, written: string) => {
    const name = written.replace(/\\(.)/g, "$1");
    return name === "*" || PLAIN_REGEXP.test(name)
      ? `${dot}.${name}`
      : `${dot && ".."}[${JSON.stringify(name)}]`;
  });
}

/** Everything but what stands in brackets, where the standard's own rules hold. */
function outsideBrackets(text: string, change: (part: string) => string) {
  let depth = 0;
  let start = 0;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "[" && depth++ === 0) {
      out += change(text.slice(start, i));
      start = i;
    } else if (text[i] === "]" && --depth === 0) {
      out += text.slice(start, i + 1);
      start = i + 1;
    }
  }
  return out + (depth === 0 ? change(text.slice(start)) : text.slice(start));
}

/** `kubectl`'s way of writing a path, as the standard's: it may begin with `@`, and a dot alone is the whole object. */
function standard(text: string): string {
  const inner = (/^\{(.*)\}$/s.exec(text.trim())?.[1] ?? text).trim()
    .replace(/^@(?=[.[]|$)/, "$");
  if (inner === ".") return "$";
  const path = inner.startsWith("$")
    ? inner
    : /^[.[]/.test(inner)
    ? `$${inner}`
    : `$.${inner}`;
  return outsideBrackets(path, quoted);
}

/** Several braces, or text before one, as templates of `kubectl` have them. */
const TEMPLATE_REGEXP = /\}[^]*\{|^\s*\{(?:range|end)\b|^\s*[^{\s][^[\]]*\{/;

/** Why a text is no path. */
function whyNot(text: string, { message }: JSONPathError): string {
  return TEMPLATE_REGEXP.test(text)
    ? "it is a template; give each path by itself, such as {.metadata.name}"
    : message.split("\n")[0] ?? "";
}

/**
 * Reads a path: JSONPath by RFC 9535, written as there or as `kubectl -o
 * jsonpath` takes it (`{.metadata.labels.app\.kubernetes\.io/name}`). No
 * `range`, no text between paths, and no functions that take regular
 * expressions.
 *
 * @param text The path.
 * @throws {TransporterError} `invalid`, saying what is wrong with it.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9535}
 * @see {@link https://kubernetes.io/docs/reference/kubectl/jsonpath/}
 */
export function readPath(text: string): FieldPath {
  try {
    const query = environment.compile(standard(text));
    return {
      text,
      find(object) {
        const found = query.query(object as JSONValue).values();
        return query.singularQuery() ? found[0] : found;
      },
    };
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    throw new TransporterError(
      "invalid",
      `Cannot read the path "${text}": ${whyNot(text, error)}`,
      { cause: error },
    );
  }
}
