import { strictEqual } from "node:assert/strict";
import { LogText } from "./log_text.ts";

const T1 = "2026-11-23T05:00:00.000000001Z";
const T2 = "2026-11-23T05:00:00.000000002Z";

const LOG = `${T1} a b\n${T1} \n${T1} c\n${T2} d\n${T2} no end`;
const TEXT = "a b\n\nc\nd\nno end";

Deno.test("LogText.push() takes the times off, wherever the pieces are cut", () => {
  for (let size = 1; size <= LOG.length; size++) {
    const log = new LogText();
    let text = "";
    for (let at = 0; at < LOG.length; at += size) {
      text += log.push(LOG.slice(at, at + size));
    }
    strictEqual(text, TEXT, `in pieces of ${size}`);
    strictEqual(log.since, T2);
  }
});

Deno.test("LogText.push() passes on what is new when the log is opened once more, wherever it broke", () => {
  for (let broke = 0; broke <= LOG.length; broke++) {
    const log = new LogText();
    let text = log.push(LOG.slice(0, broke));
    log.reopen();
    text += log.push(`${LOG}\n`);
    strictEqual(text, `${TEXT}\n`, `broke after ${broke}`);
  }
});
