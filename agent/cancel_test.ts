import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  AgentBench,
  type AgentBenchOptions,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

/** An agent with a session, whose events run until they are let go or aborted; those that `ignore` it are only let go. */
class Bench implements AsyncDisposable {
  readonly started: string[] = [];
  readonly gate: PromiseWithResolvers<void> = Promise.withResolvers();
  agent!: AgentBench;
  far!: FarEnd;

  static async open(options: AgentBenchOptions = {}): Promise<Bench> {
    const bench = new Bench();
    const executor = witness((start) => bench.started.push(start), {
      repeatable: false,
      apply: ({ ignore }, { signal }) =>
        ignore === true ? bench.gate.promise : Promise.race([
          bench.gate.promise,
          new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          ),
        ]),
    });
    bench.agent = await AgentBench.open({ executor, ...options });
    bench.far = await bench.agent.accept();
    await bench.far.registerV2();
    return bench;
  }

  async event(seq: number, id: string, rest: RawFrame = {}): Promise<void> {
    const event = specOf(id);
    await this.far.send({ type: "event", seq, attempt: 1, event, ...rest });
  }

  async cancel(
    id: string,
    attempt?: number,
    reason = "operator",
  ): Promise<void> {
    const rest = attempt === undefined ? {} : { attempt };
    await this.far.send({ type: "cancel", event_id: id, reason, ...rest });
  }

  /** What the agent says why it ended something. */
  async why(): Promise<string> {
    while (true) {
      const { type, error } = await this.far.next();
      const message = (error as RawFrame | undefined)?.["message"];
      if (type === "status_update" && typeof message === "string") {
        return message;
      }
    }
  }

  /** What the agent says until its next heartbeat, without acknowledgements and phases on the way. */
  async answers(): Promise<string[]> {
    await this.agent.clock.advance(10_000);
    const seen: string[] = [];
    while (true) {
      const frame = await this.far.next();
      const { type, event_id: id, attempt, phase, error, code, ref } = frame;
      if (type === "heartbeat") return seen;
      if (type === "error") seen.push(`${code} ${JSON.stringify(ref)}`);
      if (type !== "status_update") continue;
      const why = (error as RawFrame | undefined)?.["code"];
      const last = why !== undefined || phase === "completed";
      if (last) seen.push(`${id} ${attempt} ${phase} ${why ?? ""}`.trim());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.resolve();
    await this.agent[Symbol.asyncDispose]();
  }
}

Deno.test("Inbox.cancel() ends what waits, which is never started", async () => {
  await using bench = await Bench.open({ concurrency: 1 });
  await bench.event(1, "running");
  await bench.event(2, "waiting");
  await bench.cancel("waiting", 1);
  deepStrictEqual(await bench.answers(), ["waiting 1 cancelled cancelled"]);
  bench.gate.resolve();
  deepStrictEqual(await bench.answers(), ["running 1 completed"]);
  deepStrictEqual(bench.started, ["running 1"]);
});

Deno.test("Inbox.cancel() aborts what runs", async () => {
  await using bench = await Bench.open();
  await bench.event(1, "e1");
  await bench.cancel("e1");
  deepStrictEqual(await bench.answers(), ["e1 1 cancelled cancelled"]);
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Inbox.cancel() says why, where anybody said so", async () => {
  await using bench = await Bench.open();
  await bench.event(1, "e1");
  await bench.cancel("e1", 1, "");
  strictEqual(await bench.why(), 'Event "e1" was cancelled');
  await bench.event(2, "e2");
  await bench.cancel("e2", 1, "change freeze");
  strictEqual(await bench.why(), 'Event "e2" was cancelled: change freeze');
});

Deno.test("Inbox.cancel() leaves an attempt completed that was faster", async () => {
  await using bench = await Bench.open();
  await bench.event(1, "e1");
  bench.gate.resolve();
  await bench.agent.clock.advance(0); // it has ended, and nobody has been told yet
  await bench.cancel("e1");
  await bench.cancel("e1");
  deepStrictEqual(await bench.answers(), ["e1 1 completed"]);
});

Deno.test("Inbox.cancel() ends an attempt cancelled that had not noticed, even if its work was done", async () => {
  await using bench = await Bench.open();
  const event = specOf("e1", { payload: { ignore: true } });
  await bench.event(1, "e1", { event });
  await bench.cancel("e1");
  deepStrictEqual(await bench.answers(), []); // it still runs
  bench.gate.resolve();
  deepStrictEqual(await bench.answers(), ["e1 1 cancelled cancelled"]);
});

Deno.test("Inbox.cancel() of what is not here is answered with unknown_event, each time", async () => {
  await using bench = await Bench.open();
  await bench.event(1, "e1");
  await bench.cancel("other");
  await bench.cancel("other", 3);
  await bench.cancel("e1", 2);
  deepStrictEqual(await bench.answers(), [
    'unknown_event {"event_id":"other"}',
    'unknown_event {"event_id":"other","attempt":3}',
    'unknown_event {"event_id":"e1","attempt":2}',
  ]);
});

Deno.test("Inbox.cancel() of an earlier attempt leaves the later one alone", async () => {
  await using bench = await Bench.open();
  await bench.event(1, "e1", { attempt: 2 });
  await bench.cancel("e1", 1);
  deepStrictEqual(await bench.answers(), []);
  bench.gate.resolve();
  deepStrictEqual(await bench.answers(), ["e1 2 completed"]);
});

Deno.test("Inbox.cancel() tells the end again of what is over", async () => {
  await using bench = await Bench.open();
  await bench.event(1, "e1");
  await bench.cancel("e1");
  deepStrictEqual(await bench.answers(), ["e1 1 cancelled cancelled"]);
  await bench.far.send({ type: "status_ack", upto: 100 });
  await bench.cancel("e1");
  deepStrictEqual(await bench.answers(), ["e1 1 cancelled cancelled"]);
});

Deno.test("Inbox.cancel() is durable: no restart revives the event", async () => {
  await using bench = await Bench.open({ concurrency: 1 });
  await bench.event(1, "running");
  await bench.event(2, "waiting");
  await bench.cancel("waiting");
  const file = new MemoryJournal(bench.agent.file); // the power fails
  await using again = await Bench.open({ file });
  deepStrictEqual(await again.answers(), ["waiting 1 cancelled cancelled"]);
  await again.event(2, "waiting");
  deepStrictEqual(again.started, []);
});

Deno.test("Inbox.cancel() tells the end only once it is durable", async () => {
  await using bench = await Bench.open({ concurrency: 1 });
  await bench.event(1, "running");
  await bench.event(2, "waiting");
  const gate = Promise.withResolvers<void>();
  bench.agent.file.gate = gate.promise;
  await bench.cancel("waiting");
  deepStrictEqual(await bench.answers(), []);
  bench.agent.file.gate = undefined;
  gate.resolve();
  deepStrictEqual(await bench.answers(), ["waiting 1 cancelled cancelled"]);
});

Deno.test("Inbox.cancel() after a restart ends what only arrived, and tells what was cut off as it is", async () => {
  await using bench = await Bench.open({ concurrency: 1 });
  await bench.event(1, "begun");
  await bench.event(2, "arrived");
  const file = new MemoryJournal(bench.agent.file);
  await using again = await Bench.open({ file });
  await again.cancel("begun", 1);
  await again.cancel("arrived", 1);
  deepStrictEqual(await again.answers(), [
    "begun 1 interrupted interrupted",
    "arrived 1 cancelled cancelled",
  ]);
  deepStrictEqual(again.started, []);
});

Deno.test("Inbox.cancel() gives what waits behind the event its turn", async () => {
  const started: string[] = [];
  const executor = witness((start) => started.push(start), {
    apply: (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      ),
    keys: ({ keys }) => keys as string[],
  });
  await using bench = await Bench.open({ executor });
  const touching = (id: string, ...keys: string[]) => ({
    event: specOf(id, { payload: { keys } }),
  });
  await bench.event(1, "a", touching("a", "x"));
  await bench.event(2, "b", touching("b", "x", "y"));
  await bench.event(3, "c", touching("c", "y"));
  await bench.event(4, "d", touching("d", "x"));
  await bench.cancel("b");
  deepStrictEqual(started, ["a 1", "c 1"]);
  await bench.cancel("a");
  deepStrictEqual(started, ["a 1", "c 1", "d 1"]);
});
