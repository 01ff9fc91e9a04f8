import { deepStrictEqual } from "node:assert/strict";
import { foundOf, type Read, readText } from "./found.ts";
import { readFrame } from "./frames.ts";
import { Log } from "./log.ts";
import { ANNOTATIONS } from "./objects.ts";

const USAGE = { user_time: 2e6, system_time: 1e6, memory_max_bytes: 4096 };

Deno.test("readFrame() tells the streams apart, and takes what is no frame for a complaint", () => {
  const cases = {
    'o"a\\nb"': { stream: "stdout", text: "a\nb" },
    'e"\\u001b[1m"': { stream: "stderr", text: "\u001b[1m" },
    [`u${JSON.stringify(USAGE)}`]: { usage: USAGE },
    "/bin/sh: out of luck": {
      stream: "stderr",
      text: "/bin/sh: out of luck\n",
    },
    'u{"user_time":"1"}': { stream: "stderr", text: 'u{"user_time":"1"}\n' },
    "o7": { stream: "stderr", text: "o7\n" },
    "error": { stream: "stderr", text: "error\n" },
  };
  for (const [line, frame] of Object.entries(cases)) {
    deepStrictEqual(readFrame(line), frame, line);
  }
});

/** The lines of a shim in the log of a Pod. */
const LINES = [
  'o"first\\n"',
  'e"it s3c"',
  'o"sec"',
  'e"ret\\n"',
  'o"ond u{}"',
  `u${JSON.stringify(USAGE)}`,
].map((line, i) => `2026-11-23T05:00:00.00000000${i}Z ${line}\n`);

const ENDED = {
  bytes: { stdout: 16, stderr: 10 },
  lastLine: "it [redacted]",
  warnings: [],
  usage: USAGE,
};

/** Reads a framed log; `cut`: as far as there, and once more from the beginning, maybe by another agent. */
function read(pieces: readonly string[], cut?: "reopened" | "restarted") {
  const written = { stdout: "", stderr: "" };
  const open = (read?: Read) =>
    new Log({
      read,
      isFramed: true,
      secrets: ["s3cret"],
      output: (stream, text) => void (written[stream] += text),
    });
  let log = open();
  for (const piece of pieces) log.push(piece);
  if (cut === "reopened") log.reopen();
  if (cut === "restarted") {
    const annotations = { [ANNOTATIONS.read]: readText(log.read) };
    log = open(foundOf({ metadata: { annotations } }).read);
  }
  if (cut !== undefined) log.push(LINES.join(""));
  return { ...log.end(), written };
}

Deno.test("Log passes on both streams of a framed log, whatever its pieces are", () => {
  const all = LINES.join("");
  const written = { stdout: "first\nsecond u{}", stderr: "it [redacted]\n" };
  deepStrictEqual(read([all]), { ...ENDED, written });
  deepStrictEqual(read([...all]), { ...ENDED, written });
});

Deno.test("Log goes on with a framed log wherever it broke off, in the middle of a frame too", () => {
  const all = LINES.join("");
  const written = { stdout: "first\nsecond u{}", stderr: "it [redacted]\n" };
  for (let at = 0; at <= all.length; at++) {
    const again = read([all.slice(0, at)], "reopened");
    deepStrictEqual(again, { ...ENDED, written }, `byte ${at}`);
  }
});

Deno.test("Log goes on with a framed log that another agent read a part of, frame by frame", () => {
  const all = LINES.join("");
  for (let at = 0; at <= all.length; at++) {
    const { written, bytes } = read([all.slice(0, at)], "restarted");
    deepStrictEqual(written.stdout, "first\nsecond u{}", `byte ${at}`);
    deepStrictEqual(bytes, ENDED.bytes, `byte ${at}`);
  }
});
