import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import plugin from "../lint_plugin.ts";

/** The root of the repository, with a slash at the end. */
export const ROOT: string = decodeURIComponent(
  new URL("../../", import.meta.url).pathname,
);

/** What one rule says about a source at a path of the repository. */
function complaints(rule: string, path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, ROOT + path, source)
    .filter((found) => found.id === `transporter/${rule}`)
    .map((found) => found.message);
}

/** A source, and what a rule says about it. */
export interface Case {
  /** What is refused or allowed, for the name of the test. */
  readonly name: string;
  /** The path in the repository. */
  readonly at: string;
  /** The text of the file. */
  readonly source: string;
  /** Part of the only complaint, or `undefined` if there must be none. */
  readonly says?: string;
}

/** Registers a test for each case of a rule. */
export function testRule(rule: string, cases: readonly Case[]): void {
  for (const { name, at, source, says } of cases) {
    Deno.test(`${rule} ${says === undefined ? "allows" : "refuses"} ${name}`, () => {
      const found = complaints(rule, at, source);
      if (says === undefined) return deepStrictEqual(found, []);
      strictEqual(
        found.length,
        1,
        `wanted one complaint, got ${JSON.stringify(found)}`,
      );
      ok(found[0]?.includes(says), `wanted "${says}", got "${found[0]}"`);
    });
  }
}
