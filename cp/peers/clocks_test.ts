import { silentLogger } from "@transporter/sdk";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { clocksApartMs, ClockWatch } from "./clocks.ts";

Deno.test("ClockWatch says once of each replica whose clock is more than a second off, and again when it was right in between", () => {
  const said: string[] = [];
  const watch = new ClockWatch({
    ...silentLogger,
    warn: (message) => void said.push(message),
  });
  const a = { id: "1", name: "a", aheadMs: -300 };
  const b = { id: "2", name: "b", aheadMs: 700 };
  const wrong = { ...b, aheadMs: 701 };
  watch.compare("1", [a]);
  watch.compare("1", [a, b, { id: "3", name: "c" }]);
  watch.compare("3", [a, wrong, { id: "3", name: "c" }]);
  deepStrictEqual(said, []);
  watch.compare("1", [a, wrong]);
  watch.compare("1", [a, wrong]);
  strictEqual(said.length, 1);
  match(said[0] ?? "", /replica "b" is 1001 ms ahead of the one here/);
  watch.compare("1", [a, b]);
  watch.compare("1", [a, { ...b, aheadMs: -5000 }]);
  match(said[1] ?? "", /"b" is 4700 ms behind the one here/);
});

Deno.test("clocksApartMs() is of those that are known", () => {
  strictEqual(clocksApartMs([{ id: "1", name: "a", aheadMs: 3 }]), undefined);
  const replicas = [5, -7, 1].map((aheadMs) => ({ id: "", name: "", aheadMs }));
  strictEqual(clocksApartMs([...replicas, { id: "", name: "" }]), 12);
});
