import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { REPORTS_AHEAD } from "./protocol.ts";
import { Reports } from "./reports.ts";

Deno.test("Reports.say() goes on at once while few are on their way, and else when those are recorded", async () => {
  const reports = new Reports();
  const sent: number[] = [];
  const say = () => reports.say((n) => sent.push(n));
  for (let i = 1; i < REPORTS_AHEAD; i++) await say();
  let isOver = false;
  const last = say().then(() => isOver = true);
  await new Promise((resolve) => setTimeout(resolve));
  strictEqual(isOver, false);
  deepStrictEqual(sent, Array.from({ length: REPORTS_AHEAD }, (_, i) => i + 1));
  reports.recorded(REPORTS_AHEAD / 2);
  strictEqual(await last, true);
});
