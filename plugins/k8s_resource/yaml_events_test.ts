import {
  deepStrictEqual,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import { DEPTH_MAX, readThoroughly } from "./yaml_document.ts";
import { readQuickly } from "./yaml_events.ts";

const PIECES = [
  ..."ab:-,[]{}'\"|>#?&*!%@~0159. \n\t\\+_=<é",
  ...[": ", "- ", "\n  ", "\n    ", "\n- ", "\na: ", "\n  b: ", " #", "|-\n  "],
  ...[
    ">+\n  ",
    "|2\n   ",
    "''",
    '"\\n"',
    '"\\x41"',
    "? ",
    "...",
    "---",
    "\r\n",
  ],
  ...["yes", "null", "0x1f", "0o7", "1e3", "{}", "[]", "{a: ", "[a, ", "\n\n"],
];

/** What the quick reader reads the thorough one reads as the same. */
function agree(text: string): boolean {
  const quick = readQuickly(text, DEPTH_MAX);
  if (quick === undefined) return false;
  deepStrictEqual(readThoroughly(text).value, quick.value, text);
  return true;
}

Deno.test("readQuickly() reads nothing that readThoroughly() reads otherwise, or refuses", () => {
  let read = 0;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }),
      (pieces) => {
        if (agree(pieces.join(""))) read++;
      },
    ),
    { numRuns: 5_000 },
  );
  notStrictEqual(read, 0, "some of them are read");
});

Deno.test("readQuickly() reads ordinary documents", async () => {
  const folder = new URL("../../examples/", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".yaml")) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    for (const document of text.split(/^---\n/m).filter(Boolean)) {
      strictEqual(agree(document), true, document);
    }
  }
});

/** Each was read by mistake before, or is read otherwise by the two libraries. */
const ODD = {
  "a key behind a quote": 'a:\n- ""3:',
  "a key behind a bracket": "a:\n- []b: c",
  "a marker that is indented": " ---\nb:",
  "a tab before a line": "a:\n\tb",
  "a text that says its indentation": "a: |2\n   \n",
  "blanks where a text may go on": "a: |\n  b\n   ",
  "a key twice": "a: 1\na: 2\n",
  "an anchor": "a: &b c\n",
  "a tag": "a: !!str b\n",
  "a merge": "a: {<<: {b: c}}\n",
  "no mapping": "- a\n",
};

Deno.test("readQuickly() leaves to the other reader what is odd", async (t) => {
  for (const [name, text] of Object.entries(ODD)) {
    await t.step(
      name,
      () => strictEqual(readQuickly(text, DEPTH_MAX), undefined),
    );
  }
});
