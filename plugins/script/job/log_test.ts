import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { GAP, Log } from "./log.ts";

const T1 = "2026-11-23T05:00:00.000000001Z";
const T2 = "2026-11-23T05:00:00.000000002Z";
const T3 = "2026-11-23T05:00:00.000000003Z";

const NOTE = `stderr: ${GAP}\n`;

/** What becomes of a log that breaks off after two lines and is opened once more; `undefined`: it cannot be. */
function readAgain(again: string | undefined) {
  const written: string[] = [];
  const log = new Log({
    secrets: ["s3cret"],
    output: (stream, text) =>
      void written.push(stream === "stdout" ? text : `stderr: ${text}`),
  });
  log.push(`${T1} a\n${T2} b s3c`);
  log.reopen();
  if (again !== undefined) log.push(again);
  const { warnings = [], bytes } = log.end();
  return { written, gaps: warnings.length, bytes: bytes.stdout };
}

Deno.test("Log notes nothing when what was read last is there again", () => {
  deepStrictEqual(readAgain(`${T1} a\n${T2} b s3cret\n${T3} c\n`), {
    written: ["a\nb ", "[redacted]\nc\n"],
    gaps: 0,
    bytes: 13,
  });
  deepStrictEqual(readAgain(`${T2} b s3c`).gaps, 0, "and nothing new");
});

Deno.test("Log notes where output may be missing, and its end says so", () => {
  deepStrictEqual(readAgain(`${T3} c\n`), {
    written: ["a\nb ", NOTE, "s3cc\n"],
    gaps: 1,
    bytes: 9,
  });
});

Deno.test("Log notes a gap at the end of what it cannot find again, and shows no secret that one cuts", () => {
  for (const again of [undefined, "", `${T1} a\n`]) {
    const { written, gaps } = readAgain(again);
    deepStrictEqual(written, ["a\nb ", "s3c", NOTE], JSON.stringify(again));
    strictEqual(gaps, 1);
  }
  deepStrictEqual(readAgain(`${T3} ret\n`).written, [
    "a\nb ",
    NOTE,
    "[redacted]\n",
  ]);
});

Deno.test("Log notes nothing where nothing was read before", () => {
  const notes: string[] = [];
  const log = new Log({
    secrets: [],
    output: (_, text) => void notes.push(text),
  });
  log.reopen();
  deepStrictEqual([log.end().warnings, notes], [[], []]);
});
