import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import { RunnerBench as Bench } from "./testing/runner_bench.ts";
import type { WitnessOptions } from "./testing/witness.ts";

Deno.test("Runner.add() notes arrival and start with one fsync before it starts anything", async () => {
  const bench = await Bench.open();
  const gate = Promise.withResolvers<void>();
  bench.file.gate = gate.promise;
  await bench.add("a");
  deepStrictEqual([bench.started, bench.journal.get("a")?.stage], [
    [],
    "begun",
  ]);
  const before = bench.file.syncs;
  bench.file.gate = undefined;
  gate.resolve();
  await settle();
  deepStrictEqual([bench.started, bench.file.syncs], [["a 1"], before + 1]);
  await bench.release("a");
  strictEqual(bench.end("a"), "completed");
});

Deno.test("Runner starts nothing and says so when the journal fails", async () => {
  const bench = await Bench.open();
  const full = new TransporterError("store_unavailable", "No space left");
  bench.file.gate = Promise.reject(full);
  await bench.add("a");
  deepStrictEqual([bench.started, bench.failures], [[], [full]]);
});

Deno.test("Runner runs at most so many at a time, in the order they came", async () => {
  const bench = await Bench.open(2);
  for (const id of ["a", "b", "c", "d"]) await bench.add(id);
  deepStrictEqual(bench.started, ["a 1", "b 1"]);
  deepStrictEqual([bench.runner.running, bench.runner.waiting], [2, 2]);
  await bench.release("b");
  deepStrictEqual(bench.started, ["a 1", "b 1", "c 1"]);
  await bench.release("a", "c", "d");
  deepStrictEqual(bench.ended, ["b", "a", "c", "d"]);
  await bench.runner.idle();
});

const ORDERS: Readonly<
  Record<
    string,
    { keys: Record<string, readonly string[]>; starts: string; afterA: string }
  >
> = {
  "those that share a key one after the other": {
    keys: { a: ["x"], b: ["x"], c: ["y"] },
    starts: "a c",
    afterA: "a c b",
  },
  "nothing past an earlier one with the same key": {
    keys: { a: ["x"], b: ["x", "y"], c: ["y"] },
    starts: "a",
    afterA: "a b",
  },
  "what touches everything alone": {
    keys: { a: ["x"], b: ["*"], c: ["z"] },
    starts: "a",
    afterA: "a b",
  },
  "nothing beside what touches everything": {
    keys: { a: ["*"], b: ["x"], c: ["y"] },
    starts: "a",
    afterA: "a b c",
  },
  "what touches nothing at any time": {
    keys: { a: ["x"], b: ["x"], c: [] },
    starts: "a c",
    afterA: "a c b",
  },
};

for (const [name, { keys, starts, afterA }] of Object.entries(ORDERS)) {
  Deno.test(`Runner starts ${name}`, async () => {
    const bench = await Bench.open();
    for (const id of ["a", "b", "c"]) {
      await bench.add(id, { keys: () => keys[id]! });
    }
    const started = () =>
      bench.started.map((start) => start.split(" ")[0]).join(" ");
    strictEqual(started(), starts);
    await bench.release("a");
    strictEqual(started(), afterA);
    await bench.release("b", "c");
    strictEqual(bench.started.length, 3);
  });
}

Deno.test("waiting holds no concurrency key: Runner starts what shares a key while the one before it is verified", async () => {
  const bench = await Bench.open();
  const ready = Promise.withResolvers<void>();
  const keys = () => ["object"];
  await bench.add("a", { keys, verify: () => ready.promise });
  await bench.add("b", { keys });
  await bench.add("c", { keys });
  deepStrictEqual(bench.started, ["a 1"]);
  await bench.release("a");
  // One at a time is still applied, in the order they came.
  deepStrictEqual(bench.started, ["a 1", "b 1"]);
  await bench.release("b");
  deepStrictEqual(bench.started, ["a 1", "b 1", "c 1"]);
  await bench.release("c");
  deepStrictEqual([bench.end("a"), bench.end("b")], [undefined, "completed"]);
  ready.resolve();
  await settle();
  strictEqual(bench.end("a"), "completed");
});

/** What is kept to the end, also while it is verified. */
const KEPT: Readonly<
  Record<
    string,
    Parameters<Bench["add"]>[1]
  >
> = {
  "a concurrency_key of the event's own": {
    keys: () => ["object"],
    spec: { concurrency_key: "k" },
  },
  "everything, by an executor that does not know what it touches": {
    keys: () => ["*"],
  },
};

for (const [name, options] of Object.entries(KEPT)) {
  Deno.test(`Runner keeps ${name} until an attempt is over`, async () => {
    const bench = await Bench.open();
    const ready = Promise.withResolvers<void>();
    await bench.add("a", { ...options, verify: () => ready.promise });
    await bench.add("b", options);
    await bench.release("a");
    deepStrictEqual(bench.started, ["a 1"]);
    ready.resolve();
    await settle();
    deepStrictEqual(bench.started, ["a 1", "b 1"]);
    await bench.release("b");
  });
}

Deno.test("Runner takes an executor at its worst when it does not say what an event touches", async () => {
  const bench = await Bench.open();
  await bench.add("a", { keys: () => ["x"] });
  await bench.add("b", {
    keys() {
      throw new Error("no idea");
    },
  });
  deepStrictEqual(bench.started, ["a 1"]);
  await bench.release("a", "b");
  strictEqual(bench.end("b"), "completed");
});

Deno.test("Runner never runs two attempts at one event side by side", async () => {
  const bench = await Bench.open();
  await bench.add("a");
  await bench.release(); // it runs
  await bench.add("a", { attempt: 2 });
  deepStrictEqual([bench.started, bench.runner.waiting], [["a 1"], 1]);
  strictEqual(bench.runner.holds("a", 2), true);
});

Deno.test("Runner forgets an attempt that waits when a higher one comes", async () => {
  const bench = await Bench.open(1);
  await bench.add("first");
  await bench.add("a");
  await bench.add("a", { attempt: 2 });
  strictEqual(bench.runner.waiting, 1);
  await bench.release("first", "a");
  deepStrictEqual(bench.started, ["first 1", "a 2"]);
});

Deno.test("expiry.inflight: an event that waited past its deadline is never started", async () => {
  const bench = await Bench.open(1);
  await bench.add("a");
  await bench.add("late", { deadline: bench.clock.now() + 1000 });
  await bench.add("never", { deadline: bench.clock.now() });
  await bench.clock.advance(1000);
  await bench.release("a");
  deepStrictEqual(bench.started, ["a 1"]);
  deepStrictEqual([bench.end("late"), bench.end("never")], [
    "expired expired",
    "expired expired",
  ]);
  strictEqual(bench.journal.get("late")?.status?.state, "expired");
});

Deno.test("Runner checks the deadline after the journal has the start", async () => {
  const bench = await Bench.open();
  const gate = Promise.withResolvers<void>();
  bench.file.gate = gate.promise;
  await bench.add("a", { deadline: bench.clock.now() + 1000 });
  await bench.clock.advance(1000); // a slow disk
  bench.file.gate = undefined;
  gate.resolve();
  await settle();
  deepStrictEqual([bench.started, bench.end("a")], [[], "expired expired"]);
});

Deno.test("Runner aborts what runs past its deadline", async () => {
  const bench = await Bench.open();
  await bench.add("a", { deadline: bench.clock.now() + 1000 });
  await bench.clock.advance(999);
  strictEqual(bench.end("a"), undefined);
  await bench.clock.advance(1);
  strictEqual(bench.end("a"), "failed timeout");
  match(
    bench.journal.get("a")?.status?.message ?? "",
    /was not over by its deadline/,
  );
  strictEqual(bench.clock.sleeping, 0);
});

Deno.test("Runner.abort() ends what runs as interrupted, and says whether it may be repeated", async () => {
  const bench = await Bench.open();
  await bench.add("a");
  await bench.add("b", { repeatable: false });
  bench.runner.stop();
  bench.runner.abort(
    new TransporterError("interrupted", "The agent was stopped"),
  );
  await bench.runner.idle();
  for (const [id, repeatable] of [["a", true], ["b", false]] as const) {
    const status = bench.journal.get(id)?.status;
    deepStrictEqual([status?.state, status?.phase], [
      "in_progress",
      "interrupted",
    ]);
    deepStrictEqual([status?.details, status?.error?.code], [
      { repeatable, drained: true },
      "interrupted",
    ]);
  }
});

Deno.test("Runner.stop() lets what runs finish, and starts nothing more", async () => {
  const bench = await Bench.open(1);
  await bench.add("a");
  await bench.add("b");
  bench.runner.stop();
  await bench.release("a");
  await bench.add("c");
  deepStrictEqual([bench.started, bench.end("a"), bench.runner.running], [
    ["a 1"],
    "completed",
    0,
  ]);
  strictEqual(bench.journal.get("b")?.stage, "received");
});

const RECOVERIES: Readonly<
  Record<string, { options: WitnessOptions; end: string }>
> = {
  "lost": { options: {}, end: "interrupted interrupted" },
  "done": {
    options: {
      recover: () =>
        Promise.resolve({ kind: "done", result: { pods: 3, duration: 5 } }),
    },
    end: "completed",
  },
  "failed": {
    options: {
      recover: () =>
        Promise.resolve({
          kind: "failed",
          error: { code: "failed", message: "It failed" },
          result: { pods: 3, duration: 5 },
        }),
    },
    end: "failed failed",
  },
  "unknown as the executor fails": {
    options: {
      recover: () => Promise.reject(new Error("no cluster")),
      repeatable: false,
    },
    end: "interrupted interrupted",
  },
};

for (const [name, { options, end }] of Object.entries(RECOVERIES)) {
  Deno.test(`Runner never starts again what an earlier process began: it is ${name}`, async () => {
    const bench = await Bench.open();
    bench.journal.arrive({
      id: "a",
      attempt: 1,
      digest: "a",
      deadline: bench.clock.now() + 1000,
    });
    await bench.journal.begin("a", 1);
    await bench.add("a", { ...options, begun: true });
    deepStrictEqual([bench.started, bench.end("a")], [[], end]);
    const status = bench.journal.get("a")?.status;
    const { success, ...rest } = status?.result ?? { success: undefined };
    const pods = "pods" in rest ? rest.pods : undefined;
    const duration = "duration" in rest ? rest.duration : undefined;
    if (status?.phase === "completed") {
      deepStrictEqual([success, pods, duration], [true, 3, 5]);
    } else if (status?.phase === "failed") {
      deepStrictEqual([success, pods, duration], [false, 3, 5]);
    } else {deepStrictEqual(status?.details, {
        repeatable: options.repeatable ?? true,
      });}
  });
}

Deno.test("Runner aborts an attempt that takes longer than its timeout, and says so", async () => {
  const bench = await Bench.open();
  await bench.add("short", { spec: { timeout: 5e9 } });
  await bench.add("long", { spec: { timeout: 3600e9 } });
  await bench.clock.advance(4_999);
  strictEqual(bench.end("short"), undefined);
  await bench.clock.advance(1);
  strictEqual(bench.end("short"), "failed timeout");
  match(
    bench.journal.get("short")?.status?.message ?? "",
    /^Attempt 1 at event "short" was not over after 5s, its timeout$/,
  );
  await bench.clock.advance(55_000);
  match(
    bench.journal.get("long")?.status?.message ?? "",
    /^Event "long" was not over by its deadline$/,
  );
});

Deno.test("Runner gives the executor the earlier of deadline and timeout", async () => {
  const bench = await Bench.open();
  const deadlines: number[] = [];
  const start = bench.clock.now();
  for (const timeout of [5e9, 3600e9]) {
    await bench.add(`t${timeout}`, {
      spec: { timeout },
      apply: (_, context) => {
        deadlines.push(context.deadline - start);
        return Promise.resolve({});
      },
    });
  }
  deepStrictEqual(deadlines, [5_000, 60_000]);
});

Deno.test("order.exec: Runner runs events that share a concurrency_key one after the other, whatever their executor says", async () => {
  const bench = await Bench.open();
  const alone = { keys: () => ["*"] };
  const same = { keys: () => ["object"] };
  await bench.add("a", { ...alone, spec: { concurrency_key: "k" } });
  await bench.add("b", { ...same, spec: { concurrency_key: "k" } });
  await bench.add("c", { ...alone, spec: { concurrency_key: "*" } });
  await bench.add("d", { ...same, spec: { concurrency_key: "object" } });
  await bench.add("e", same);
  deepStrictEqual(bench.started, ["a 1", "c 1", "d 1", "e 1"]);
  await bench.release("a");
  deepStrictEqual(bench.started.at(-1), "b 1");
  await bench.release("b", "c", "d", "e");
});
