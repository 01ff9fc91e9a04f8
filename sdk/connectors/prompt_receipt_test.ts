import { ok, strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { PromptReceipt } from "./prompt_receipt.ts";

Deno.test("PromptReceipt waits where others were just sent, for something else to be said", async () => {
  const last = Promise.withResolvers<void>();
  const sent = new Set<number>();
  const receipts = Array.from({ length: 100 }, (_, i) =>
    new PromptReceipt({
      pong() {
        sent.add(i);
        if (i === 99) last.resolve();
      },
    }));
  for (const receipt of receipts) receipt.schedule();
  await new Promise((resolve) => setImmediate(resolve));
  ok(sent.has(0), "the first does not wait");
  // A machine that is busy may take a millisecond between some.
  ok(sent.size < 25, `${sent.size} of 100 did not wait`);
  const said = receipts.map((_, i) => i).filter((i) => i < 50 && !sent.has(i));
  for (const i of said) receipts[i]?.cancel();
  await last.promise;
  strictEqual(sent.size, 100 - said.length);
});
