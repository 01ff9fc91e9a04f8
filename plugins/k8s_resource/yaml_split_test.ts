import { deepStrictEqual } from "node:assert/strict";
import { splitDocuments } from "./yaml_split.ts";

/** What a stream is cut into: number, line and text of each document. */
const CASES: Readonly<
  Record<string, readonly [string, readonly [number, string][]]>
> = {
  "an empty stream": ["", [[1, ""]]],
  "one bare document": ["a: 1\nb: 2\n", [[1, "a: 1\nb: 2\n"]]],
  "a document with its marker": ["---\na: 1\n", [[1, "\na: 1\n"]]],
  "two documents": ["a: 1\n---\nb: 2\n", [[1, "a: 1\n"], [2, "\nb: 2\n"]]],
  "a marker at the end": ["a: 1\n---", [[1, "a: 1\n"], [2, ""]]],
  "a marker with content": ["--- {a: 1}\n--- # c\nb: 2", [[1, "{a: 1}\n"], [
    2,
    "# c\nb: 2",
  ]]],
  "a marker with a tab": ["---\t# c\na: 1\n", [[1, "# c\na: 1\n"]]],
  "CRLF": ["a: 1\r\n---\r\nb: 2\r\n", [[1, "a: 1\r\n"], [2, "\r\nb: 2\r\n"]]],
  "a byte order mark": ["\ufeff---\na: 1\n", [[1, "\na: 1\n"]]],
  "a byte order mark before content": ["\ufeffa: 1\n", [[1, "\ufeffa: 1\n"]]],
  "byte order marks of files that were put together": [
    "\ufeffa: 1\n\ufeff---\nb: 2\n---\n\ufeffc: 3\n",
    [[1, "\ufeffa: 1\n"], [2, "\nb: 2\n"], [5, "c: 3\n"]],
  ],
  "comments before a marker": ["# c\n\n---\na: 1\n", [[3, "\na: 1\n"]]],
  "comments without a marker": ["# c\na: 1\n", [[1, "# c\na: 1\n"]]],
  "an end marker": ["a: 1\n...\n# c\n---\nb: 2\n...\n", [[1, "a: 1\n"], [
    4,
    "\nb: 2\n",
  ]]],
  "an end marker and a bare document": ["a: 1\n...\nb: 2\n", [[1, "a: 1\n"], [
    3,
    "b: 2\n",
  ]]],
  "end markers only": ["...\n...\n", [[3, ""]]],
  "three dashes in a block scalar": ["a: |\n  ---\n  b\n", [[
    1,
    "a: |\n  ---\n  b\n",
  ]]],
  "three dashes and more": ["---a: 1\n----\n", [[1, "---a: 1\n----\n"]]],
  "dots and more": ["....: 1\n", [[1, "....: 1\n"]]],
  "empty documents": ["---\n---\n# c\n---\na: 1\n", [
    [1, "\n"],
    [2, "\n# c\n"],
    [4, "\na: 1\n"],
  ]],
};

Deno.test("splitDocuments() cuts at markers only, and keeps every byte between them", async (t) => {
  for (const [name, [source, expected]] of Object.entries(CASES)) {
    await t.step(name, () => {
      const found = splitDocuments(source);
      deepStrictEqual(found.map(({ line, text }) => [line, text]), expected);
      deepStrictEqual(
        found.map(({ number }) => number),
        expected.map((_, i) => i + 1),
      );
    });
  }
});

Deno.test("splitDocuments() gives directives to the document they stand before", () => {
  const found = splitDocuments(
    "%YAML 1.1\n# c\n---\na: 1\n...\n%TAG ! x\n---\nb: 2\n---\nc: 3\n",
  );
  deepStrictEqual(found.map(({ directives, text }) => [directives, text]), [
    [["%YAML 1.1"], "\na: 1\n"],
    [["%TAG ! x"], "\nb: 2\n"],
    [[], "\nc: 3\n"],
  ]);
});
