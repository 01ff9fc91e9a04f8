import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { type Executor, formatTime, TransporterError } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import {
  AgentBench,
  type AgentBenchOptions,
  type FarEnd,
  listLogger,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

const AWAY = new TransporterError("cluster_unavailable", "Nobody is there");
const SECRET = new TransporterError("denied", "Not for you");
const UNKNOWN = new TransporterError("unauthenticated", "Who are you");
const MISSING = new TransporterError("not_found", "It has no name");

/** An agent whose work is done where `where` says, or throws. */
async function agentIn(
  where: () => string | undefined,
  options: AgentBenchOptions = {},
): Promise<AgentBench & { readonly lines: string[] }> {
  const lines: string[] = [];
  const started: string[] = [];
  const executor: Executor = {
    ...witness((start) => started.push(start)),
    place: () => Promise.try(where),
  };
  const bench = await AgentBench.open({
    executor,
    log: listLogger(lines),
    ...options,
  });
  return Object.assign(bench, { lines, started });
}

function placesIn(file: MemoryJournal): unknown {
  const text = new TextDecoder().decode(file.bytes);
  return [...text.matchAll(/"places":(\{[^}]*\})/g)].map(([, places = ""]) =>
    JSON.parse(places)
  ).at(-1);
}

async function sendEvent(far: FarEnd, id: string): Promise<void> {
  await far.send({
    type: "event",
    seq: 1,
    attempt: 1,
    deadline: "2026-11-24T05:04:27.000Z",
    event: specOf(id),
  });
}

async function next(far: FarEnd, type: string): Promise<RawFrame> {
  let frame: RawFrame;
  do frame = await far.next(); while (frame["type"] !== type);
  return frame;
}

Deno.test("Agent.open() notes where its work is done, also in a journal that does not say", async () => {
  const file = new MemoryJournal();
  {
    await using _before = await agentIn(() => undefined, { file });
    strictEqual(placesIn(file), undefined);
  }
  await using bench = await agentIn(() => 'cluster "a"', { file });
  deepStrictEqual(placesIn(bench.file), { witness: 'cluster "a"' });
});

Deno.test("Agent.open() refuses to work elsewhere, before it dials, and works where it was", async () => {
  const file = new MemoryJournal();
  {
    await using _before = await agentIn(() => 'cluster "a"', { file });
  }
  await rejects(
    agentIn(() => 'cluster "b"', {
      file,
      dials: { ws: () => Promise.reject(new Error("It was dialled")) },
    }),
    {
      code: "other_cluster",
      message:
        'Cannot run "witness" in cluster "b" as the journal in this data folder is of cluster "a": lead the agent back there, ' +
        "or give it a data folder of its own, after which what it was handed before counts as interrupted",
    },
  );
  deepStrictEqual(placesIn(file), { witness: 'cluster "a"' });
  await using again = await agentIn(() => 'cluster "a"', { file });
  const far = await again.accept();
  await far.registerV2();
  await sendEvent(far, "e1");
  deepStrictEqual(again.started, ["e1 1"]);
});

Deno.test("Agent.run() ends when its work would be done elsewhere all of a sudden", async () => {
  let cluster = "a";
  await using bench = await agentIn(() => `cluster "${cluster}"`);
  await (await bench.accept()).registerV2();
  cluster = "b";
  await bench.clock.advance(59_999);
  await settle();
  bench.clock.advance(1);
  await rejects(bench.running, { code: "other_cluster" });
});

for (
  const [error, code] of [
    [AWAY, "cluster_unavailable"],
    [MISSING, "unavailable"],
    [UNKNOWN, "unavailable"],
  ] as const
) {
  Deno.test(`Agent.run() takes no event before its place of work is known, as of one that answers ${error.code}`, async () => {
    const file = new MemoryJournal();
    {
      await using _before = await agentIn(() => 'cluster "a"', { file });
    }
    let fault: TransporterError | undefined = error;
    await using bench = await agentIn(() => {
      if (fault !== undefined) throw fault;
      return 'cluster "a"';
    }, { file });
    const far = await bench.accept();
    await far.registerV2();
    await sendEvent(far, "e1");
    const nack = await next(far, "nack");
    deepStrictEqual([nack["code"], nack["retry_after_ms"]], [code, 5000]);
    match(
      String(nack["detail"]),
      /^Cannot take the event before it is known where "witness" works: /,
    );
    fault = undefined;
    await bench.clock.advance(5_000);
    await settle();
    await sendEvent(far, "e1");
    deepStrictEqual(bench.started, ["e1 1"]);
    strictEqual(
      bench.lines.filter((line) => /cannot be seen now/.test(line)).length,
      1,
      "once, and not at each look",
    );
  });
}

Deno.test("Agent.run() ends before the first event when its place is seen late, and is another", async () => {
  const file = new MemoryJournal();
  {
    await using _before = await agentIn(() => 'cluster "a"', { file });
  }
  let isAway = true;
  await using bench = await agentIn(() => {
    if (isAway) throw AWAY;
    return 'cluster "b"';
  }, { file });
  const far = await bench.accept();
  await far.registerV2();
  isAway = false;
  await bench.clock.advance(5_000);
  await rejects(bench.running, { code: "other_cluster" });
  deepStrictEqual(bench.started, []);
});

for (const [name, error] of Object.entries({ SECRET, MISSING })) {
  Deno.test(`Agent.run() works, with a warning, where it may never know its place: ${name}`, async () => {
    let fault: TransporterError | undefined = error;
    await using bench = await agentIn(() => {
      if (fault !== undefined) throw fault;
      return 'cluster "a"';
    });
    const far = await bench.accept();
    await far.registerV2();
    await sendEvent(far, "e1");
    deepStrictEqual(bench.started, ["e1 1"]);
    await bench.clock.advance(60_000);
    const warnings = bench.lines.filter((line) => /not be noticed/.test(line));
    strictEqual(warnings.length, 1, "once, and not at each look");
    fault = undefined;
    await bench.clock.advance(60_000);
    deepStrictEqual(placesIn(bench.file), { witness: 'cluster "a"' });
  });
}

Deno.test("Agent.run() goes on where its place was known and cannot be seen for a while", async () => {
  let isAway = false;
  await using bench = await agentIn(() => {
    if (isAway) throw AWAY;
    return 'cluster "a"';
  });
  const far = await bench.accept();
  await far.registerV2();
  isAway = true;
  for (let i = 0; i < 6; i++) {
    await bench.clock.advance(10_000);
    const { timestamp } = await next(far, "heartbeat");
    const now = formatTime(bench.clock.now());
    await far.send({ type: "heartbeat_ack", timestamp, server_time: now });
  }
  match(bench.lines.join("\n"), /cannot be seen now/);
  await sendEvent(far, "e1");
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Agent.run() looks for begun work once its place of work is known", async () => {
  const file = new MemoryJournal();
  const held = Promise.withResolvers<void>();
  {
    await using before = await agentIn(() => 'cluster "a"', {
      file,
      executor: {
        ...witness(() => {}, { apply: () => held.promise }),
        place: () => Promise.resolve('cluster "a"'),
      },
    });
    const far = await before.accept();
    await far.registerV2();
    await sendEvent(far, "e1");
    // As a power loss leaves it.
    file.gate = Promise.reject(new Error("It is off"));
    file.gate.catch(() => {});
    held.reject(new Error("It is over"));
  }
  let isAway = true;
  const left = new MemoryJournal(file);
  const looked: string[] = [];
  await using bench = await agentIn(() => "", {
    file: left,
    executor: {
      ...witness(() => {}, {
        recover: () => {
          looked.push("e1");
          return Promise.resolve({ kind: "lost" });
        },
      }),
      place: () =>
        isAway ? Promise.reject(AWAY) : Promise.resolve('cluster "a"'),
    },
  });
  const far = await bench.accept();
  await far.registerV2();
  await sendEvent(far, "e1");
  deepStrictEqual(looked, []);
  isAway = false;
  await bench.clock.advance(5_000);
  await settle();
  deepStrictEqual(looked, ["e1"]);
});
