/**
 * The tables of README.md: which test holds which behaviour.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { repositoryTexts } from "../files.ts";

/** What the page has. */
const SECTIONS = [
  "Sizes",
  "Bytes",
  "Errors",
  "Apply",
  "Dry run, preflight, diff",
  "Order and delete",
  "Prune",
  "Readiness",
  "What repeats safely",
  "Identity of the cluster",
  "Client",
  "Policy (CEL)",
  "Script Jobs",
  "Agent rights",
];

/** A test, as a cell names it. */
const TEST_REGEXP = /`([\w./-]+_test\.ts)`: "(.*?)"(?=<br>| *$)/g;

/** The path of a file from this folder, in the repository. */
function pathOf(name: string): string {
  const { pathname } = new URL(name, "file:///tests/kubernetes/");
  return pathname.slice(1);
}

Deno.test("every behaviour in README.md is held by tests that are there", async () => {
  const texts = await repositoryTexts();
  const readme = texts.get("tests/kubernetes/README.md") ?? "";
  const [, tables = ""] = readme.split("## Which test holds which behaviour");
  const [held = ""] = tables.split("\n## ");
  const sections = held.split(/^### /m).slice(1);
  deepStrictEqual(
    sections.map((section) => section.split("\n")[0]),
    SECTIONS,
  );
  const missing: string[] = [];
  for (const section of sections) {
    const rows = section.split("\n").filter((line) => line.startsWith("| "))
      .slice(2);
    ok(rows.length > 0, section);
    for (const row of rows) {
      const [, behaviour = "", cell = ""] = row.split(/(?<!\\)\|/);
      const tests = [...cell.matchAll(TEST_REGEXP)];
      if (tests.length === 0) missing.push(`${behaviour.trim()}: no test`);
      for (const [, file = "", title = ""] of tests) {
        const text = texts.get(pathOf(file)) ?? "";
        const name = RegExp.escape(title.replace(/…$/, ""));
        const isThere = title.endsWith("…")
          ? RegExp(`["\`]${name}`)
          : RegExp(`["\`]${name}["\`]`);
        if (!isThere.test(text)) missing.push(`${file}: "${title}"`);
      }
    }
  }
  deepStrictEqual(missing, []);
});
