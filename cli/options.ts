import {
  ERROR_CODES,
  isAgentId,
  isErrorCode,
  isEventId,
  nearest,
  parseDuration,
  parseTime,
  type State,
  STATES,
  TransporterError,
  TTL_MAX,
} from "@transporter/sdk";
import { safe } from "./text.ts";

/** Refuses the value of a flag, and says what it must be. */
export function refuse(flag: string, value: string, wanted: string): never {
  throw new TransporterError(
    "usage",
    `Cannot use ${flag} "${safe(value)}": it must be ${wanted}`,
  );
}

/** Collects a repeatable flag. */
export function collect(
  value: string,
  previous: readonly string[] = [],
): readonly string[] {
  return [...previous, value];
}

/**
 * Refuses a flag that is there a second time, where one value is taken.
 *
 * @throws {TransporterError} `usage`.
 */
export function onlyOnce(
  flag: string,
  value: string,
  previous: string | undefined,
): string {
  if (previous === undefined) return value;
  throw new TransporterError(
    "usage",
    `Cannot use ${flag} twice: it is "${safe(previous)}", then "${
      safe(value)
    }"`,
  );
}

/**
 * The parser of a flag that takes one value: of two, one would be ignored.
 *
 * @param flag As it is typed.
 * @param parse Reads the value.
 * @throws {TransporterError} `usage`, when it is there a second time.
 */
export function once<T>(
  flag: string,
  parse: (value: string) => T,
): (value: string, previous?: T) => T {
  return (value, previous) => {
    if (previous === undefined) return parse(value);
    throw new TransporterError(
      "usage",
      `Cannot use ${flag} twice: it takes one value`,
    );
  };
}

/** Takes a text as it is. */
export function text(value: string): string {
  return value;
}

/**
 * Collects states that lists are filtered by.
 *
 * @throws {TransporterError} `usage`.
 */
export function states(
  value: string,
  previous: readonly State[] = [],
): readonly State[] {
  const state = STATES.find((each) => each === value);
  return state === undefined
    ? refuse("--state", value, `one of ${STATES.join(", ")}`)
    : [...previous, state];
}

/**
 * Collects codes of errors, each once.
 *
 * @throws {TransporterError} `usage`.
 */
export function codes(
  value: string,
  previous: readonly string[] = [],
): readonly string[] {
  if (isErrorCode(value)) {
    return previous.includes(value) ? previous : [...previous, value];
  }
  const near = nearest(value, Object.keys(ERROR_CODES));
  return refuse(
    "--retry-on",
    value,
    "a code of an error, such as cluster_unavailable" +
      (near === undefined ? "" : `; the nearest is "${near}"`),
  );
}

/**
 * Collects the ids of agents, each once.
 *
 * @throws {TransporterError} `usage`.
 */
export function agentIds(
  value: string,
  previous: readonly string[] = [],
): readonly string[] {
  agentId(value);
  if (previous.includes(value)) {
    throw new TransporterError(
      "usage",
      `Cannot use --agent "${value}" twice: it would get the same event two times`,
    );
  }
  return [...previous, value];
}

/**
 * Checks the id of an agent.
 *
 * @throws {TransporterError} `usage`.
 */
export function agentId(value: string): string {
  if (isAgentId(value)) return value;
  return refuse(
    "the agent id",
    value,
    "1 to 128 letters, digits, dots, underscores and hyphens, with a letter or digit at both ends",
  );
}

/**
 * Checks the id of an event.
 *
 * @throws {TransporterError} `usage`.
 */
export function eventId(value: string): string {
  if (isEventId(value)) return value;
  return refuse(
    "the event id",
    value,
    '1 to 128 of the characters A-Z a-z 0-9 . _ : -, not "." or ".."',
  );
}

/**
 * Collects ids, each once.
 *
 * @param check Refuses what is none.
 */
export function ids(
  check: (value: string) => string,
): (value: string, previous?: readonly string[]) => readonly string[] {
  return (value, previous = []) =>
    previous.includes(check(value)) ? previous : [...previous, value];
}

/**
 * Reads how long an event may take.
 *
 * @returns Nanoseconds.
 * @throws {TransporterError} `usage`.
 */
export function ttl(value: string): number {
  const wanted = 'a duration of at most 30 days, such as "24h" or "90m"';
  const ns = duration("--ttl", value, wanted);
  return ns > 0 && ns <= TTL_MAX ? ns : refuse("--ttl", value, wanted);
}

/**
 * Checks from when on something may start: a time, or a duration from now.
 *
 * @throws {TransporterError} `usage`.
 */
export function notBefore(value: string): string {
  const wanted =
    'a time such as "2026-11-23T05:04:27Z", or a duration from now such as "90m"';
  if (parseTime(value) === undefined) duration("--not-before", value, wanted);
  return value;
}

/**
 * Reads how long something may take.
 *
 * @returns Nanoseconds, at least 1.
 * @throws {TransporterError} `usage`.
 */
export function nanoseconds(flag: string): (value: string) => number {
  const wanted = 'a duration such as "30s" or "1h30m"';
  return (value) => {
    const ns = duration(flag, value, wanted);
    return ns > 0 ? ns : refuse(flag, value, wanted);
  };
}

/**
 * Reads how long to wait, or since when to list.
 *
 * @returns Milliseconds, at least 1.
 * @throws {TransporterError} `usage`.
 */
export function milliseconds(flag: string): (value: string) => number {
  const wanted = 'a duration such as "30s" or "1h30m"';
  return (value) => {
    const ns = duration(flag, value, wanted);
    return ns >= 1e6 ? ns / 1e6 : refuse(flag, value, wanted);
  };
}

function duration(flag: string, value: string, wanted: string): number {
  try {
    return parseDuration(value);
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    return refuse(flag, value, wanted);
  }
}

/**
 * Reads a number.
 *
 * @throws {TransporterError} `usage`.
 */
export function integer(
  flag: string,
  range: { readonly min: number; readonly max: number },
): (value: string) => number {
  const { min, max } = range;
  return (value) => {
    const number = Number(value);
    return /^\d{1,9}$/.test(value) && number >= min && number <= max
      ? number
      : refuse(flag, value, `an integer from ${min} to ${max}`);
  };
}

/**
 * Collects labels; what the control plane thinks of them is left to it.
 *
 * @throws {TransporterError} `usage`.
 */
export function labels(
  value: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = value.indexOf("=");
  if (at < 1) refuse("--label", value, 'like "team=platform"');
  const key = value.slice(0, at);
  if (Object.hasOwn(previous, key)) {
    throw new TransporterError(
      "usage",
      `Cannot use --label "${safe(key)}" twice: an event has one value for it`,
    );
  }
  return { ...previous, [key]: value.slice(at + 1) };
}

/**
 * Checks a label that lists are filtered by.
 *
 * @throws {TransporterError} `usage`.
 */
export function selectors(
  value: string,
  previous: readonly string[] = [],
): readonly string[] {
  if (value.indexOf("=") < 1) refuse("-l", value, 'like "team=platform"');
  return [...previous, value];
}
