import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { ExecutorContext } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import { RunnerBench as Bench } from "./testing/runner_bench.ts";
import type { WitnessOptions } from "./testing/witness.ts";

/** Work that says that it waits, and does until it is let go. */
class Waiting {
  readonly #over = Promise.withResolvers<void>();
  /** What an executor does. */
  readonly options: WitnessOptions = {
    apply: () => Promise.resolve({ n: 7 }),
    verify: async (context: ExecutorContext) => {
      const abort = () => this.#over.reject(context.signal.reason);
      context.signal.addEventListener("abort", abort, { once: true });
      if (context.signal.aborted) abort();
      await context.report("Waiting for the web");
      await this.#over.promise;
    },
  };
  /** What was waited for is there. */
  readonly end = () => this.#over.resolve();
}

/** A bench with an attempt that waits. */
async function waiting(more: Partial<WitnessOptions> = {}) {
  const bench = await Bench.open();
  const wait = new Waiting();
  await bench.add("a", { ...wait.options, ...more });
  await settle();
  return { bench, ...wait };
}

/** The next process, to which the event has come again. */
async function restarted(
  before: Bench,
  options: WitnessOptions,
): Promise<Bench> {
  await before.journal[Symbol.asyncDispose]();
  const bench = await Bench.open(8, before.file);
  const known = bench.journal.get("a");
  await bench.add("a", {
    ...options,
    begun: known?.stage === "begun",
    applied: known?.applied,
  });
  await settle();
  return bench;
}

function endsOf(bench: Bench): number | undefined {
  return bench.journal.get("a")?.applied?.ends;
}

Deno.test("Runner.stop() leaves what only waits, and the next process waits for it as the same attempt", async () => {
  const { bench } = await waiting();
  bench.runner.stop();
  await bench.runner.idle();
  deepStrictEqual(
    [bench.journal.get("a")?.stage, bench.end("a")],
    ["begun", undefined],
  );
  const again = new Waiting();
  const next = await restarted(bench, again.options);
  deepStrictEqual(next.started, [], "it is not applied again");
  again.end();
  await settle();
  const { attempt, result } = next.journal.get("a")?.status ?? {};
  deepStrictEqual([next.end("a"), attempt, result?.["n"]], ["completed", 1, 7]);
});

Deno.test("Runner leaves what begins to wait while it stops", async () => {
  const bench = await Bench.open();
  const applied = Promise.withResolvers<unknown>();
  await bench.add("a", {
    ...new Waiting().options,
    apply: () => applied.promise,
  });
  bench.runner.stop();
  await settle();
  strictEqual(bench.runner.running, 1, "what is applied comes to its end");
  applied.resolve({ n: 7 });
  await bench.runner.idle();
  deepStrictEqual(bench.journal.get("a")?.applied?.result, { n: 7 });
});

Deno.test("Runner goes on with what waited when its process was killed, twice", async () => {
  let { bench } = await waiting();
  strictEqual(endsOf(bench), 0);
  for (const ends of [1, 2]) {
    bench = await restarted(bench, new Waiting().options);
    strictEqual(endsOf(bench), ends);
    strictEqual(bench.end("a"), undefined);
  }
  bench = await restarted(bench, new Waiting().options);
  deepStrictEqual(
    [bench.end("a"), bench.journal.get("a")?.status?.details],
    ["interrupted interrupted", { repeatable: true }],
  );
});

Deno.test("Runner does not count an end that left the event for the next start", async () => {
  let { bench } = await waiting();
  for (let i = 0; i < 5; i++) {
    bench.runner.stop();
    await bench.runner.idle();
    bench = await restarted(bench, new Waiting().options);
    strictEqual(endsOf(bench), 1);
  }
  bench.runner.stop();
  await bench.runner.idle();
  strictEqual(endsOf(bench), 0);
});

Deno.test("Runner keeps nothing of what a v1 control plane would not send again, nor of what is too large", async () => {
  const large = { text: "x".repeat(256 * 1024) };
  const large1 = { apply: () => Promise.resolve(large) };
  for (const options of [{ seq: undefined }, large1]) {
    const bench = await Bench.open();
    await bench.add("a", { ...new Waiting().options, ...options });
    await settle();
    bench.runner.stop();
    await settle();
    deepStrictEqual([bench.runner.running, endsOf(bench)], [1, undefined]);
  }
});

Deno.test("Runner holds no key for what an earlier process applied", async () => {
  const keys = () => ["web"];
  const { bench } = await waiting({ keys });
  bench.runner.stop();
  await bench.runner.idle();
  const again = new Waiting();
  const next = await restarted(bench, { ...again.options, keys });
  await next.add("b", { keys });
  match(next.started.join(), /^b 1$/);
  await next.release("b");
  again.end();
  await settle();
  deepStrictEqual([next.end("a"), next.end("b")], ["completed", "completed"]);
});
