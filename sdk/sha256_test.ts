import { strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { sha256, sha256OfFew } from "./sha256.ts";

function expected(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

Deno.test("sha256OfFew() is SHA-256, for every length of the last block", () => {
  const encoder = new TextEncoder();
  for (let chars = 0; chars <= 200; chars++) {
    const text = "é1".repeat(chars).slice(0, chars);
    strictEqual(sha256OfFew(encoder.encode(text)), expected(text), `${chars}`);
  }
});

Deno.test("sha256() says the same of the first texts, of long ones and of those that come later", () => {
  const texts = Array.from({ length: 100 }, (_, i) => `text ${i} …`);
  for (const text of [...texts, "long ".repeat(1_000), ...texts]) {
    strictEqual(sha256(text), expected(text));
  }
});
