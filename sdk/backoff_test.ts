import { strictEqual } from "node:assert/strict";
import { fullJitter } from "./backoff.ts";

const options = { initialMs: 500, maxMs: 30_000 };

Deno.test("fullJitter() is anything from nothing to the bound, which doubles up to the maximum", () => {
  const most = { next: () => 0.5 };
  const bounds = [0, 1, 2, 6, 10_000].map((failures) =>
    fullJitter(failures, most, options) * 2
  );
  strictEqual(bounds.join(), "500,1000,2000,30000,30000");
  strictEqual(fullJitter(3, { next: () => 0 }, options), 0);
});
