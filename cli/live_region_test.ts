import { strictEqual } from "node:assert/strict";
import { LiveRegion } from "./live_region.ts";

/** A terminal of a width that changes, and what was written to it since it was last asked. */
class Terminal {
  readonly isTerminal = true;
  readonly rows = 24;
  columns = 40;
  #text = "";

  write(text: string): void {
    this.#text += text;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text.replaceAll("\u001b", "ESC").replaceAll("\r", "CR");
  }
}

Deno.test("LiveRegion draws in place, and only what has changed", () => {
  const terminal = new Terminal();
  const region = new LiveRegion(terminal);
  region.draw(["one", "two"]);
  strictEqual(terminal.take(), "CRESC[2Kone\nCRESC[2Ktwo");
  region.draw(["one", "two"]);
  strictEqual(terminal.take(), "");
  region.draw(["one"]);
  strictEqual(terminal.take(), "ESC[1ACRESC[2KoneESC[J");
  region.clear();
  strictEqual(terminal.take(), "CRESC[2K");
  region.draw(["new"]);
  strictEqual(terminal.take(), "CRESC[2Knew");
  region.leave();
  strictEqual(terminal.take(), "\n");
  region.leave();
  strictEqual(terminal.take(), "");
});

Deno.test("LiveRegion knows that a terminal which became narrower has wrapped its lines", () => {
  const terminal = new Terminal();
  const region = new LiveRegion(terminal);
  region.draw(["x".repeat(39), "漢".repeat(10)]);
  terminal.take();
  terminal.columns = 15;
  region.draw(["y"]);
  // Three lines of 15 columns, and two: the cursor stands in the fifth.
  strictEqual(terminal.take(), "ESC[4ACRESC[2KyESC[J");
});
