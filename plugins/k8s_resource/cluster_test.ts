import { strictEqual } from "node:assert/strict";
import { type ExecutorContext, systemRng } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { openCluster, phaseEnd } from "./cluster.ts";
import { optionsOf } from "./event_options.ts";

const KUBECONFIG = {
  "current-context": "c",
  contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "u", user: { token: "t" } }],
};

/** When a phase ends of an event whose deadline is so far away, in milliseconds from now. */
async function endOf(
  deadlineMs: number,
  given: Parameters<typeof optionsOf>[0] = {},
): Promise<number> {
  const clock = new TestClock();
  const path = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  try {
    await Deno.writeTextFile(path, JSON.stringify(KUBECONFIG));
    using cluster = await openCluster({ kubeconfig: path }, {
      clock,
      rng: systemRng,
    });
    const context = { deadline: clock.now() + deadlineMs } as ExecutorContext;
    return phaseEnd(cluster, context, { options: optionsOf(given) }) -
      clock.now();
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("default wait: ready, five minutes, never the TTL", async () => {
  const day = 24 * 60 * 60_000;
  strictEqual(optionsOf({}).wait, "ready");
  strictEqual(await endOf(day), 5 * 60_000);
  strictEqual(await endOf(day, { timeout: "1h" }), 60 * 60_000);
  strictEqual(await endOf(60_000), 60_000);
});
