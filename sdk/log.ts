import type { Clock } from "./clock.ts";
import { formatTime } from "./time.ts";

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts that go with a line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines for the operator: a constant sentence, and facts as fields. */
export interface Logger {
  /** For whoever debugs this program. */
  debug(message: string, fields?: LogFields): void;
  /** Something normal happened. */
  info(message: string, fields?: LogFields): void;
  /** Something is wrong and the program goes on. */
  warn(message: string, fields?: LogFields): void;
  /** Something failed and somebody has to look. */
  error(message: string, fields?: LogFields): void;
  /** The same logger with fields added to each line. */
  with(fields: LogFields): Logger;
}

/** Options of {@linkcode jsonLogger}. */
export interface JsonLoggerOptions {
  /** Takes one line, without its line break. */
  readonly write: (line: string) => void;
  /** Where the time of each line comes from. */
  readonly clock: Clock;
  /** Lines below it are dropped. */
  readonly level?: LogLevel;
  /** Fields of every line. */
  readonly fields?: LogFields;
}

const RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
};

/** Fields whose values are never written: they hold, or may hold, what nobody may read in a log. */
const SECRET_REGEXP =
  /(^|_)(authorization|cookie|password|passwd|secret|token|key_?data|private_?key|credentials?|payload|manifests?|env|stdin)$/i;

/** Secrets within a text: who one is, in a URL, and what an `Authorization` header says. */
const SECRETS_WITHIN_REGEXP =
  /(?<=:\/\/)[^\s/@]+(?=@)|(?<=\b(?:bearer|basic) +)[\w.~+/=-]{20,}/gi;

/** Characters of one value; a longer one is cut, so that one line cannot fill a disk. */
const VALUE_CHARS_MAX = 4096;

/** Levels of nesting that are written. */
const DEPTH_MAX = 6;

/** Whether a field is secret by its name, in whichever case it is written. */
function isSecret(name: string): boolean {
  const snake = name.replaceAll("-", "_")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  return SECRET_REGEXP.test(snake);
}

function redactText(text: string): string {
  const short = text.length > VALUE_CHARS_MAX
    ? `${text.slice(0, VALUE_CHARS_MAX)} [cut]`
    : text;
  return short.replace(SECRETS_WITHIN_REGEXP, "[redacted]");
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redactText(value.message),
      ...("code" in value ? { code: value.code } : {}),
      ...(value.cause === undefined || depth >= DEPTH_MAX
        ? {}
        : { cause: redact(value.cause, depth + 1) }),
    };
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return "[deep]";
  if (Array.isArray(value)) {
    return value.slice(0, 100).map((item) => redact(item, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      isSecret(key) && item !== undefined
        ? "[redacted]"
        : redact(item, depth + 1),
    ]),
  );
}

/**
 * A logger that writes one JSON object a line: `time`, `level`, `message`, and
 * the fields. Values of secret-looking fields are replaced.
 *
 * @param options Where lines go, and from which level on.
 * @returns The logger.
 */
export function jsonLogger(options: JsonLoggerOptions): Logger {
  const { write, clock, level = "info", fields: bound = {} } = options;
  function line(at: LogLevel, message: string, fields: LogFields = {}): void {
    if (RANK[at] < RANK[level]) return;
    const facts = redact({ ...bound, ...fields }, 0) as LogFields;
    const own = { time: formatTime(clock.now()), level: at, message };
    // First in the line, and never a field's value.
    write(JSON.stringify({ ...own, ...facts, ...own }));
  }
  return {
    debug: (message, fields) => line("debug", message, fields),
    info: (message, fields) => line("info", message, fields),
    warn: (message, fields) => line("warn", message, fields),
    error: (message, fields) => line("error", message, fields),
    with: (fields) =>
      jsonLogger({ ...options, fields: { ...bound, ...fields } }),
  };
}

/** A logger that writes nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLogger,
};
