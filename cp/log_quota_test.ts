import { deepStrictEqual } from "node:assert/strict";
import { AGENT_LOG_BYTES_MAX, LogQuota } from "./log_quota.ts";

Deno.test("LogQuota.take() gives each agent so much an hour, and no more", () => {
  let now = 5;
  const quota = new LogQuota({ monotonic: () => now });
  const half = AGENT_LOG_BYTES_MAX / 2;
  const take = (agent: string, bytes: number) => quota.take("t", agent, bytes);
  deepStrictEqual(
    [take("a", half), take("a", half + 1), take("a", half), take("a", 1)],
    [true, false, true, false],
  );
  deepStrictEqual([take("b", half), quota.take("other", "a", 1)], [true, true]);
  now += 3_599_999;
  deepStrictEqual(take("a", 1), false);
  now += 1;
  deepStrictEqual(take("a", 1), true);
});
