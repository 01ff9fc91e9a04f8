import { RE2JS } from "re2js";
import { CelError } from "./value.ts";
import type { Meter } from "./meter.ts";

/** Characters of a regular expression; more than that is a program. */
const PATTERN_CHARS_MAX = 256;

/** Regular expressions that are kept ready. */
const KEPT_MAX = 500;

/** What a character costs for each instruction of a regular expression: a tenth of a microsecond is a unit. */
const CHAR_WORK = 0.1;

/** What making an instruction ready costs. */
const INSTRUCTION_WORK = 200;

/** A regular expression that is ready. */
interface Ready {
  readonly regex: RE2JS;
  readonly size: number;
}

const kept = new Map<string, Ready>();

/**
 * Makes a regular expression ready; its time grows with the text, never
 * faster.
 *
 * @throws {CelError} When it is none of RE2's, or too long.
 */
export function compileRegex(pattern: string, meter?: Meter): Ready {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > PATTERN_CHARS_MAX) {
    throw new CelError(
      `the regular expression has ${pattern.length} characters, and at most ${PATTERN_CHARS_MAX} are taken`,
    );
  }
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CelError(error.message);
  }
  const ready = { regex, size: regex.programSize() };
  meter?.labour(ready.size * INSTRUCTION_WORK);
  const [oldest] = kept.keys();
  if (kept.size >= KEPT_MAX) kept.delete(oldest!);
  kept.set(pattern, ready);
  return ready;
}

function spend({ size }: Ready, text: string, meter: Meter): void {
  meter.labour(text.length * size * CHAR_WORK);
}

/** Whether a text has something that a regular expression describes. */
export function matches(text: string, pattern: string, meter: Meter): boolean {
  const ready = compileRegex(pattern, meter);
  spend(ready, text, meter);
  return ready.regex.test(text);
}

/** What a regular expression describes in a text, as often as it is there or as is asked for. */
export function findAll(
  text: string,
  pattern: string,
  most: number,
  meter: Meter,
): string[] {
  const ready = compileRegex(pattern, meter);
  spend(ready, text, meter);
  const matcher = ready.regex.matcher(text);
  const found: string[] = [];
  while (found.length < most && matcher.find()) {
    meter.labour(1);
    found.push(matcher.group() ?? "");
  }
  return found;
}
