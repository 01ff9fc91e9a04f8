import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { readYaml } from "./yaml_document.ts";
import { Unreadable } from "./yaml_value.ts";

function bomb(levels: number): string {
  const lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i <= levels; i++) {
    lines.push(`l${i}: &l${i} [${Array(9).fill(`*l${i - 1}`).join(", ")}]`);
  }
  return lines.join("\n");
}

/** Each is refused, with a message that matches, at this offset. */
const REFUSED: Readonly<Record<string, readonly [string, RegExp, number?]>> = {
  "a key twice": ["a: 1\nb: 2\na: 3\n", /^the key "a" is there twice/, 10],
  "a key twice in another spelling": [
    '1: a\n"1": b\n',
    /^the key "1" is there twice/,
    5,
  ],
  "a key twice in a flow mapping": [
    "{a: 1, a: 2}",
    /^the key "a" is there twice/,
  ],
  "a custom tag": [
    "a: !custom x\n",
    /^the tag "!custom" is none that Kubernetes knows$/,
    11,
  ],
  "a tag of another language": ["a: !!python/object x\n", /python\/object/],
  "a set": ["a: !!set {b, c}\n", /the tag ".*set"/],
  "a tag of the wrong kind": ["a: !!map [b]\n", /./],
  "a tag that does not fit": ["a: !!int x\n", /^Cannot read "x" as !!int$/],
  "an infinite number": ["a: .inf\n", /^Cannot write ".inf" as JSON$/],
  "a null key": ["~: 1\n", /null key/],
  "a collection as a key": ["? [a]\n: 1\n", /cannot be a key/],
  "an alias without an anchor": [
    "a: *b\nb: &b 1\n",
    /^the alias "\*b" has no anchor before it$/,
  ],
  "an alias in its own anchor": [
    "a: &a [*a]\n",
    /stands for what it is a part of/,
  ],
  "an alias bomb": [
    bomb(9),
    /^its aliases expand to more than the 100 that are allowed$/,
  ],
  "101 aliases": [
    `a: &a 1\nb: [${Array(101).fill("*a").join(", ")}]\n`,
    /more than the 100/,
  ],
  "a key twice through a merge": [
    "a: 1\n<<: {a: 2}\n",
    /^the key "a" is there twice/,
    5,
  ],
  "a merge of text": ["<<: x\n", /"<<" needs a mapping/],
  "flow nesting": [
    `a: ${"[".repeat(64)}${"]".repeat(64)}`,
    /^it is nested deeper than 64 levels$/,
  ],
  "flow nesting without end": ["[".repeat(1_000_000), /nested deeper/],
  "block nesting": [
    Array.from({ length: 65 }, (_, i) => `${" ".repeat(i)}a:`).join("\n") +
    " 1",
    /nested deeper/,
  ],
  "compact nesting": ["- ".repeat(100_000), /nested deeper/],
  "NUL": ["a: x\0y\n", /U\+0000/, 4],
  "a line separator": ["a: x\u2028b: y\n", /U\+2028/],
  "a lone carriage return": ["a: x\rb: y\n", /U\+000D/],
  "a tab for indentation": ["a:\n\t- b\n", /tab/, 3],
  "a quote that does not end": ['a: "x\n', /missing/],
  "two mappings on one line": ["a: b: c\n", /middle of a line/],
  "a bracket that does not end": ["a: [1, 2\n", /./],
  "indentation that fits nothing": ["a:\n    b: 1\n  c: 2\n", /./, 12],
  "two JSON values": ['{"a":1}\n{"b":2}\n', /cannot stand here/, 8],
};

Deno.test("readYaml() refuses what is broken, hostile or ambiguous", async (t) => {
  for (const [name, [text, message, offset]] of Object.entries(REFUSED)) {
    await t.step(name, () => {
      throws(() => readYaml(text), (error) => {
        if (!(error instanceof Unreadable)) throw error;
        match(error.message, message);
        if (offset !== undefined) strictEqual(error.offset, offset);
        return true;
      });
    });
  }
});

/** Each is read as this. */
const READ: Readonly<Record<string, readonly [string, unknown]>> = {
  "nothing": ["", null],
  "comments": ["# a\n", null],
  "a byte order mark": ["\ufeffa: 1\n", { a: 1 }],
  "CRLF": ["a: |\r\n  x\r\n  y\r\nb: 1\r\n", { a: "x\ny\n", b: 1 }],
  "100 aliases": [`a: &a 1\nb: [${Array(100).fill("*a").join(", ")}]\n`, {
    a: 1,
    b: Array(100).fill(1),
  }],
  "an anchor that is set again": ["a: &a 1\nb: &a 2\nc: *a\n", {
    a: 1,
    b: 2,
    c: 2,
  }],
  "a merge": ["a: &a {x: 1, z: 2}\nb: {<<: *a, w: 3}\n", {
    a: { x: 1, z: 2 },
    b: { x: 1, z: 2, w: 3 },
  }],
  "a merge of several": ["<<: [{x: 1}, {z: 2}]\n", { x: 1, z: 2 }],
  "a quoted merge key": ['"<<": 1\n', { "<<": 1 }],
  "a key that JavaScript knows": [
    "__proto__: {a: 1}\n",
    JSON.parse('{"__proto__": {"a": 1}}'),
  ],
  "JSON with tabs": ['{\n\t"a": [\n\t\t1,\n\t\t"yes"\n\t]\n}\n', {
    a: [1, "yes"],
  }],
  "63 levels": [`a: ${"[".repeat(63)}${"]".repeat(63)}`, {
    a: JSON.parse("[".repeat(63) + "]".repeat(63)),
  }],
};

Deno.test("readYaml() reads what the server reads", async (t) => {
  for (const [name, [text, expected]] of Object.entries(READ)) {
    await t.step(name, () => deepStrictEqual(readYaml(text).value, expected));
  }
});

Deno.test("readYaml() gives bombs back without expanding them", () => {
  throws(() => readYaml(bomb(30)), Unreadable);
  throws(() => readYaml("[".repeat(5_000_000)), Unreadable);
});

Deno.test("Reading.items() cuts elements out unchanged", () => {
  const text = [
    "kind: List",
    "items:",
    "- mode: 0644 # octal",
    "  big: 12345678901234567890",
    "  text: |+",
    "    a",
    "",
    "- &unused",
    "  n: 1_000",
    "  t: |2",
    "     b",
    "- {y: yes,",
    "   z: [1]}",
    "# the end",
    "",
  ].join("\n");
  deepStrictEqual(readYaml(text).items().map((slice) => slice.text), [
    "  mode: 0644 # octal\n  big: 12345678901234567890\n  text: |+\n    a\n\n",
    "  n: 1_000\n  t: |2\n     b\n",
    "{y: yes,\n   z: [1]}",
  ]);
  deepStrictEqual(readYaml("items: 1\n").items(), []);
  deepStrictEqual(readYaml("- items\n").items(), []);
});
