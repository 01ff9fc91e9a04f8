import { deepStrictEqual } from "node:assert/strict";
import { Progress } from "./progress.ts";

function output(terminal: boolean) {
  const written: string[] = [];
  return {
    written,
    isTerminal: () => terminal,
    writeSync(bytes: Uint8Array) {
      return written.push(new TextDecoder().decode(bytes));
    },
  };
}

Deno.test("Progress writes plain lines where nobody looks", () => {
  const plain = output(false);
  {
    using _progress = new Progress("Building:", plain);
  }
  deepStrictEqual(plain.written, [
    "Building:\n",
    "Building: ended after 0 s\n",
  ]);
});

Deno.test("Progress writes one line anew on a terminal", () => {
  const terminal = output(true);
  {
    using _progress = new Progress("Building:", terminal);
  }
  deepStrictEqual(terminal.written, [
    "\r\x1b[2KBuilding:",
    "\r\x1b[2KBuilding: ended after 0 s",
    "\n",
  ]);
});
