import { ok, strictEqual } from "node:assert/strict";
import { ulids } from "./rng.ts";

Deno.test("ulids() grow within a millisecond, and when the clock goes back", () => {
  const times = [5, 5, 5, 4, 9];
  const ids = ulids(() => times.shift() ?? 0, { next: () => 0.999999 });
  let last = "";
  for (let i = 0; i < 5; i++) {
    const id = ids.next();
    strictEqual(id.length, 26);
    ok(i === 0 || id > last || i < 3, `${last} ${id}`);
    last = id;
  }
});

Deno.test("ulids() writes the time as the specification does", () => {
  const ids = ulids(() => 1469918176385, { next: () => 0 });
  strictEqual(ids.next(), "01ARYZ6S410000000000000000");
  strictEqual(ids.next(), "01ARYZ6S410000000000000001");
});
