/**
 * What a run of the tests came to, read from the JUnit report of `deno test`.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";

/** One test of a report. A step of a test counts as a test. */
export interface TestResult {
  /** The file of the test, relative to the root; of a suite, the file of the suite. */
  readonly file: string;
  /** The name of the test. */
  readonly name: string;
  /** How it ended; `unreached` if it did not begin: filtered out, or the run broke off before it. */
  readonly outcome: "passed" | "failed" | "skipped" | "unreached";
}

const SUITE_REGEXP = /<testsuite name="([^"]*)"[^>]*>([\s\S]*?)<\/testsuite>/g;
const CASE_REGEXP = /<testcase name="([^"]*)"([^>]*)>([\s\S]*?)<\/testcase>/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  apos: "'",
  gt: ">",
  lt: "<",
  quot: '"',
};

function unescape(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (entity, decimal, hexadecimal, name) => {
      if (decimal) return String.fromCodePoint(Number(decimal));
      if (hexadecimal) return String.fromCodePoint(parseInt(hexadecimal, 16));
      return ENTITIES[name] ?? entity;
    },
  );
}

function outcomeOf(attributes: string, body: string): TestResult["outcome"] {
  if (/<(failure|error)\b/.test(body)) return "failed";
  if (!/<skipped\b/.test(body)) return "passed";
  // A test that was ignored took no time; one that was not reached has none.
  return /\btime="/.test(attributes) ? "skipped" : "unreached";
}

/**
 * Reads a report that `deno test --junit-path` wrote.
 *
 * @param xml The text of the report. All `<` and `>` of names and messages are escaped in it.
 */
export function parseReport(xml: string): TestResult[] {
  const results: TestResult[] = [];
  for (const [, suite = "", cases = ""] of xml.matchAll(SUITE_REGEXP)) {
    const file = unescape(suite).replace(/^\.\//, "");
    for (
      const [, name = "", rest = "", body = ""] of cases.matchAll(CASE_REGEXP)
    ) {
      const outcome = outcomeOf(rest, body);
      results.push({ file, name: unescape(name), outcome });
    }
  }
  return results;
}

/**
 * Finds the files that threw outside their tests, which the report does not
 * name: their tests may not have begun.
 *
 * @param output What `deno test` printed.
 */
export function brokenFiles(output: string): string[] {
  const plain = stripVTControlCharacters(output);
  return [...plain.matchAll(/^Uncaught error from (.+) FAILED$/gm)]
    .map(([, file = ""]) => file.replace(/^\.\//, ""));
}

/** The line that a run ends with. */
export function summary(results: readonly TestResult[]): string {
  return (["passed", "failed", "skipped"] as const).map((outcome) =>
    `${
      results.filter((result) => result.outcome === outcome).length
    } ${outcome}`
  ).join(", ");
}
