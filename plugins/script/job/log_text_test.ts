import { strictEqual } from "node:assert/strict";
import { LogText } from "./log_text.ts";

const T1 = "2026-11-23T05:00:00.000000001Z";
const T2 = "2026-11-23T05:00:00.000000002Z";

const T3 = "2026-11-23T05:00:01.000000000Z";

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
    strictEqual(log.takeGap() || log.isSought, false, `broke after ${broke}`);
  }
});

Deno.test("LogText.push() says that lines may be missing when the log that is opened once more begins after the line read last", () => {
  for (const cut of [LOG.length, LOG.length - 2]) {
    const log = new LogText();
    log.push(LOG.slice(0, cut));
    log.reopen();
    strictEqual(log.push(`${T3} e\n`), "e\n");
    strictEqual(log.takeGap(), true);
    strictEqual(log.takeGap(), false);
    log.reopen();
    strictEqual(log.push(`${T3} e\n${T3} f\n`), "f\n");
    strictEqual(log.takeGap(), false);
  }
});

Deno.test("LogText.push() says it where fewer lines of the time read last are left", () => {
  const log = new LogText();
  log.push(LOG);
  log.reopen();
  strictEqual(log.push(`${T2} no end\n${T3} e\n`), "e\n");
  strictEqual(log.takeGap(), true);
});

Deno.test("LogText.isSought is true until what was read last is there again, also where nothing new comes", () => {
  const log = new LogText({ time: T2, index: 1, chars: 6 });
  strictEqual(log.isSought, true);
  // Opened at the second of that line, it begins with earlier ones.
  strictEqual(log.push(`${T1} c\n${T2} d\n${T2} no`), "");
  strictEqual(log.isSought, true);
  strictEqual(log.push(" end"), "");
  strictEqual(log.isSought, false);
  strictEqual(log.takeGap(), false);
});

Deno.test("LogText.push() passes on lines whose time is before that of the last one, as the clock of a node may go back", () => {
  const log = new LogText();
  strictEqual(log.push(`${T2} a\n${T1} b\n`), "a\nb\n");
});
