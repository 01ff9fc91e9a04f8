/**
 * The faults of the Go prototype that this program must not have, and the test
 * of each: the tables of upstream_faults.md.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { repositoryTexts } from "./files.ts";

const PAGE = "tests/upstream_faults.md";

/** The rows of the page: the number of a fault, and the name of its test if it has one. */
function faults(page: string): Map<string, string | undefined> {
  const rows = page.matchAll(
    /^\| (F\d{2,3}) +\|[^|]+\| *(?:`([^|]+)`|[^|]*?) *\|$/gm,
  );
  return new Map([...rows].map(([, fault = "", test]) => [fault, test]));
}

Deno.test("every fault of upstream has its test", async () => {
  const texts = await repositoryTexts();
  const tests = [...texts].filter(([path]) =>
    /(_test|\/testing\/\w+)\.ts$/.test(path)
  ).map(([, text]) => text).join("\n");
  const missing = [...faults(texts.get(PAGE) ?? "")].filter(([, name]) =>
    name !== undefined &&
    !new RegExp(`["\`]${RegExp.escape(name)}[^"\`]`).test(tests)
  );
  deepStrictEqual(missing, []);
});

Deno.test("every fault of upstream that is named is one", async () => {
  const texts = await repositoryTexts();
  const known = faults(texts.get(PAGE) ?? "");
  const unknown: string[] = [];
  for (const [path, text] of texts) {
    if (!/\.(ts|md)$/.test(path)) continue;
    for (const [fault] of text.matchAll(/\bF\d{2,3}\b/g)) {
      if (!known.has(fault)) unknown.push(`${path}: ${fault}`);
    }
  }
  deepStrictEqual(unknown, []);
});
