import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import { RunnerBench as Bench } from "./testing/runner_bench.ts";

/** A bench with standing work that an earlier process began. */
async function begunBefore(id: string): Promise<Bench> {
  const bench = await Bench.open();
  const deadline = bench.clock.now() + 3_600_000;
  bench.journal.arrive({ id, attempt: 1, digest: id, deadline });
  await bench.journal.begin(id, 1);
  await bench.add(id, { standing: true, begun: true, deadline });
  return bench;
}

Deno.test("standing checks: Runner runs what stands beside as many as may run", async () => {
  const bench = await Bench.open(1);
  await bench.add("s", { standing: true, keys: () => ["*"] });
  await bench.add("a");
  await bench.add("b");
  deepStrictEqual(bench.started, ["s 1", "a 1"]);
  await bench.release("a");
  deepStrictEqual(bench.started, ["s 1", "a 1", "b 1"]);
  await bench.release("b", "s");
  strictEqual(bench.end("s"), "completed");
});

Deno.test("standing checks: Runner refuses what stands beyond half of the window", async () => {
  const bench = await Bench.open();
  for (const id of ["s", "t", "u"]) await bench.add(id, { standing: true });
  deepStrictEqual(bench.started, ["s 1", "t 1"]);
  strictEqual(bench.end("u"), "failed exhausted");
  await bench.release("s", "t");
});

Deno.test("standing checks: Runner.stop() leaves what stands, and the next start goes on with it", async () => {
  const bench = await Bench.open();
  await bench.add("s", { standing: true });
  bench.runner.stop();
  await bench.runner.idle();
  deepStrictEqual(
    [bench.journal.get("s")?.stage, bench.end("s")],
    ["begun", undefined],
  );

  const next = await begunBefore("s");
  deepStrictEqual(next.started, [], "there is time to cancel it");
  await next.clock.advance(59_999);
  await settle();
  deepStrictEqual(next.started, []);
  await next.clock.advance(1);
  await settle();
  deepStrictEqual(next.started, ["s 1"]);
  await next.release("s");
  strictEqual(next.end("s"), "completed");
});

Deno.test("standing checks: Runner ends what stands by its cancellation, also before it goes on", async () => {
  const bench = await begunBefore("s");
  bench.runner.cancel("s", new TransporterError("cancelled", "Not wanted"));
  await settle();
  deepStrictEqual([bench.started, bench.end("s")], [[], "cancelled cancelled"]);
});
