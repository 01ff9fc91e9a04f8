import { strictEqual, throws } from "node:assert/strict";
import { poisonAmbient } from "./ambient.ts";

/** Each use, as code of the core could have it, or a library under it. */
const USES: Readonly<Record<string, () => unknown>> = {
  "Date.now": () => Date.now(),
  "new Date()": () => new Date(),
  "Date()": () => Date(),
  performance: () => performance.now(),
  setTimeout: () => setTimeout(() => {}, 1),
  setInterval: () => setInterval(() => {}, 1),
  setImmediate: () => globalThis.setImmediate(() => {}),
  "Math.random": () => Math.random(),
  crypto: () => crypto.randomUUID(),
  fetch: () => fetch("http://localhost"),
  WebSocket: () => new WebSocket("ws://localhost"),
  Deno: () => Deno.env.get("HOME"),
  "AbortSignal.timeout": () => AbortSignal.timeout(1),
};

Deno.test("poisonAmbient() makes every ambient clock, source of randomness and way out throw", () => {
  using _ = poisonAmbient();
  for (const [name, use] of Object.entries(USES)) {
    throws(use, { message: new RegExp(name.replace(/[().]/g, "\\$&")) });
  }
});

Deno.test("poisonAmbient() leaves what is pure, and gives back what it took", () => {
  const now = Date.now;
  {
    using _ = poisonAmbient();
    strictEqual(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");
    strictEqual(new Date(5) instanceof Date, true);
    strictEqual(Date.parse("1970-01-01T00:00:01Z"), 1000);
    strictEqual(Math.max(1, 2), 2);
  }
  strictEqual(Date.now, now);
  strictEqual(typeof performance.now(), "number");
  strictEqual(Deno.build.os.length > 0, true);
});
