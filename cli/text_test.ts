import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  cut,
  pad,
  safe,
  safeLines,
  safeQuoted,
  showBytes,
  widthOf,
} from "./text.ts";

const UNSAFE:
  readonly (readonly [name: string, text: string, shown: string])[] = [
    ["a colour", "\u001b[31mred", "\\u001b[31mred"],
    ["a terminal title", "\u001b]0;pwned\u0007", "\\u001b]0;pwned\\u0007"],
    ["a C1 control sequence", "\u009b2J", "\\u009b2J"],
    ["a line break", "a\nb\r\tc", "a\\nb\\r\\tc"],
    ["text that runs backwards", "txt.\u202eexe", "txt.\\u202eexe"],
    ["a character without width", "ad\u200bmin", "ad\\u200bmin"],
    ["a line separator", "a\u2028b", "a\\u2028b"],
    ["DEL and NUL", "a\u007f\u0000", "a\\u007f\\u0000"],
    ["half a character", "a\ud800", "a\ufffd"],
  ];

for (const [name, text, shown] of UNSAFE) {
  Deno.test(`safe() shows ${name}`, () => strictEqual(safe(text), shown));
}

Deno.test("safe() leaves letters of any script and emoji alone", () => {
  strictEqual(safe("Größe 日本 🙂 \u05d0"), "Größe 日本 🙂 \u05d0");
});

Deno.test("safeLines() keeps line breaks and escapes the rest", () => {
  deepStrictEqual(safeLines("a\u001b\r\nb"), ["a\\u001b", "b"]);
});

Deno.test("safeQuoted() escapes so that JSON means the same", () => {
  const value = { text: "\u009b\u007f\u202e" };
  const text = safeQuoted(JSON.stringify(value, undefined, 1));
  strictEqual(/[\u007f-\u009f\u202e]/.test(text), false);
  deepStrictEqual(JSON.parse(text), value);
});

Deno.test("widthOf() and pad() count columns, not characters", () => {
  strictEqual(widthOf("日本"), 4);
  strictEqual(widthOf("e\u0301"), 1);
  strictEqual(pad("日本", 6), "日本  ");
});

const CUTS:
  readonly (readonly [text: string, columns: number, shown: string])[] = [
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["", 3, ""],
    ["ab…cd", 4, "ab……"],
    ["  … and 3 more", 3, "  …"],
  ];

for (const [text, columns, shown] of CUTS) {
  Deno.test(`cut() makes "${text}" fit ${columns} columns`, () => {
    strictEqual(cut(text, columns), shown);
  });
}

Deno.test("showBytes() takes the largest unit that fits", () => {
  deepStrictEqual(
    [0, 1023, 1024, 1536, 1024 ** 3 * 2.25, 1024 ** 5].map(showBytes),
    ["0 bytes", "1023 bytes", "1 KiB", "1.5 KiB", "2.3 GiB", "1024 TiB"],
  );
});
