import { deepStrictEqual } from "node:assert/strict";
import { Lines } from "./lines.ts";

function linesOf(charsMax: number, pieces: readonly Uint8Array[]) {
  const found: [string, boolean][] = [];
  const lines = new Lines(charsMax, (...line) => found.push(line));
  for (const piece of pieces) lines.push(piece);
  lines.end();
  return found;
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("Lines cuts at line breaks, wherever the pieces were cut", () => {
  const text = bytes("one\ntwö\n\nlast");
  const wanted = [["one", true], ["twö", true], ["", true], ["last", true]];
  for (let at = 0; at <= text.length; at++) {
    const pieces = [text.subarray(0, at), text.subarray(at)];
    deepStrictEqual(linesOf(100, pieces), wanted);
  }
});

Deno.test("Lines gives up a line that is too long piece by piece", () => {
  const pieces = ["aaaa", "bbbb", "cc\nd"].map(bytes);
  deepStrictEqual(linesOf(3, pieces), [
    ["aaaa", false],
    ["bbbb", false],
    ["cc", true],
    ["d", true],
  ]);
});
