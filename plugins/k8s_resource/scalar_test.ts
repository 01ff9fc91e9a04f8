import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { keyOf, resolveScalar } from "./scalar.ts";
import { readYaml } from "./yaml_document.ts";
import { Unreadable, type Value } from "./yaml_value.ts";

const TABLE = new URL("./testdata/yaml-scalars.tsv", import.meta.url);

/** What the rules of this project refuse although the server reads it: tags of its own. */
const REFUSED_BY_US: ReadonlySet<string> = new Set(["!custom x"]);

/** JSON as the server printed it; integers beyond 2^53 keep their digits, as in the table. */
function jsonOf(value: Value): string {
  if (typeof value === "bigint") {
    return value > 2n ** 63n - 1n ? String(Number(value)) : String(value);
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${
    Object.entries(value).map(([key, each]) => `"${key}":${jsonOf(each)}`).join(
      ",",
    )
  }}`;
}

Deno.test("resolveScalar() and keyOf() agree with every row of yaml-scalars.tsv", async () => {
  const rows = (await Deno.readTextFile(TABLE)).split("\n").filter((row) =>
    row !== "" && !row.startsWith("#")
  );
  strictEqual(rows.length, 76);
  for (const row of rows) {
    const [kind, written = "", expected = ""] = row.split("\t");
    if (kind !== "value" && kind !== "key") continue;
    const text = kind === "value"
      ? `spec:\n  v: ${written}\n`
      : `spec:\n  ${written}\n`;
    if (expected.startsWith("error") || REFUSED_BY_US.has(written)) {
      throws(() => readYaml(text), Unreadable, row);
      continue;
    }
    const { value } = readYaml(text);
    const spec = (value as { spec: Value }).spec;
    strictEqual(jsonOf(spec), expected.replaceAll("\\u003c", "<"), row);
  }
});

Deno.test("resolveScalar() follows Go in corners that the table leaves out", () => {
  const cases: [string, unknown][] = [
    ["0X1f", 31],
    ["0O17", 15],
    ["0B101", 5],
    ["-0x10", -16],
    ["+0b11", 3],
    ["_1", "_1"],
    ["1__0", 10],
    [".", "."],
    [".5_0", ".5_0"],
    ["1e3_0", 1e30],
    ["-", "-"],
    ["+", "+"],
    ["-.5", -0.5],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["18446744073709551615", 18446744073709551615n],
    ["18446744073709551616", 18446744073709551616],
    ["NaN", "NaN"],
    ["Infinity", "Infinity"],
    ["nULL", "nULL"],
    ["1.2.3", "1.2.3"],
  ];
  for (const [text, expected] of cases) {
    deepStrictEqual(resolveScalar({ text, plain: true }), expected, text);
  }
});

Deno.test("resolveScalar() leaves quoted text alone and obeys tags", () => {
  strictEqual(resolveScalar({ text: "yes", plain: false }), "yes");
  const tag = (name: string) => `tag:yaml.org,2002:${name}`;
  strictEqual(
    resolveScalar({ text: "yes", plain: false, tag: tag("bool") }),
    true,
  );
  strictEqual(resolveScalar({ text: "", plain: true, tag: tag("str") }), "");
  strictEqual(resolveScalar({ text: "", plain: true, tag: tag("null") }), null);
  for (
    const [name, text] of [["int", "x"], ["int", "1.5"], ["bool", "1"], [
      "null",
      "x",
    ]] as const
  ) {
    throws(
      () => resolveScalar({ text, plain: true, tag: tag(name) }),
      RangeError,
    );
  }
  throws(
    () => resolveScalar({ text: "/w==", plain: true, tag: tag("binary") }),
    RangeError,
  );
});

Deno.test("keyOf() refuses a null key", () => {
  throws(() => keyOf(null), RangeError);
});
