import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  AgentBench,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";
import { deadlineOf } from "./work.ts";

/** An agent with a session of version 2. */
async function connect(
  options: Parameters<typeof AgentBench.open>[0] = {},
): Promise<[AgentBench, FarEnd]> {
  const bench = await AgentBench.open(options);
  const far = await bench.accept();
  await far.registerV2();
  return [bench, far];
}

/** All that the agent sends until its next heartbeat, in short. */
async function answers(bench: AgentBench, far: FarEnd): Promise<string[]> {
  await bench.clock.advance(10_000);
  const seen: string[] = [];
  while (true) {
    const frame = await far.next();
    if (frame["type"] === "heartbeat") return seen;
    seen.push(brief(frame));
  }
}

function brief(frame: RawFrame): string {
  const { type, upto, seq, code, event_id: id, attempt = "-", phase } = frame;
  if (type === "ack") return `ack ${upto}`;
  if (type === "nack") return `nack ${seq} ${code}`;
  return `${id} ${attempt} ${phase}`;
}

/** Without the phases on the way. */
function ends(seen: readonly string[]): string[] {
  return seen.filter((line) =>
    !/ (received|validating|applying|verifying)$/.test(line)
  );
}

function event(seq: number, id: string, rest: RawFrame = {}): RawFrame {
  return { type: "event", seq, attempt: 1, event: specOf(id), ...rest };
}

const UNDECODABLE: Readonly<Record<string, { event: RawFrame; code: string }>> =
  {
    "a ttl that is no duration": {
      event: { ...specOf("e1"), ttl: "soon" },
      code: "invalid_ttl",
    },
    "a ttl that is not positive": {
      event: { ...specOf("e1"), ttl: 0 },
      code: "invalid_ttl",
    },
    "a payload that is no object": {
      event: { ...specOf("e1"), payload: [1] },
      code: "wrong_type",
    },
    "no payload": {
      event: { ...specOf("e1"), payload: undefined },
      code: "missing_field",
    },
    "an id that is none": {
      event: { ...specOf("e1"), id: "../etc" },
      code: "invalid_id",
    },
    "a lone surrogate": {
      event: { ...specOf("e1"), payload: { text: "\ud800" } },
      code: "invalid_json",
    },
    "another agent's name": {
      event: { ...specOf("e1"), target_agent: "other" },
      code: "invalid",
    },
    "a type that nobody runs": {
      event: { ...specOf("e1"), type: "dance" },
      code: "unsupported",
    },
  };

for (const [name, { event, code }] of Object.entries(UNDECODABLE)) {
  Deno.test(`agent.undecodable: an event with ${name} is refused, and the next one runs`, async () => {
    const [opened, far] = await connect();
    await using bench = opened;
    await far.send({ type: "event", seq: 1, attempt: 1, event });
    await far.send({
      type: "event",
      seq: 2,
      attempt: 1,
      event: specOf("good"),
    });
    const seen = ends(await answers(bench, far));
    deepStrictEqual(seen.filter((line) => !line.startsWith("ack")), [
      `nack 1 ${code}`,
      "good 1 completed",
    ]);
    strictEqual(seen.includes("ack 2"), true);
  });
}

Deno.test("agent.undecodable: a v1 control plane gets a status, if the event says its id", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV1();
  await far.send({ type: "event", event: { ...specOf("bad"), payload: 1 } });
  await far.send({ type: "event", event: { ...specOf("../"), payload: 1 } });
  await far.send({ type: "event", event: { payload: 1 } });
  await far.send({
    type: "event",
    event: specOf("unknown", { type: "dance" }),
  });
  deepStrictEqual(await answers(bench, far), [
    "bad - failed",
    "unknown - failed",
  ]);
});

Deno.test("an event that a v1 control plane gave more than 30 days runs, also when it is older than that, and is over 30 days from now", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV1();
  const now = bench.clock.now();
  const dayMs = 24 * 3600_000;
  const spec = (id: string, days: number) =>
    specOf(id, {
      ttl: 60 * 24 * 3600e9,
      created_at: new Date(now - days * dayMs).toISOString(),
    });
  for (const [id, days] of [["new", 0], ["old", 40], ["late", 61]] as const) {
    await far.send({ type: "event", event: spec(id, days) });
  }
  const seen = ends(await answers(bench, far)).sort();
  deepStrictEqual(seen.map((line) => line.replace(" -", "")), [
    "late failed",
    "new completed",
    "old completed",
  ]);
  const over = (days: number) =>
    deadlineOf({ type: "event", event: spec("e", days) }, spec("e", days), now);
  deepStrictEqual([over(0), over(40)], [now + 30 * dayMs, now + 20 * dayMs]);
});

Deno.test("Inbox runs an event once, however often it is delivered", async () => {
  const started: string[] = [];
  const gate = Promise.withResolvers<void>();
  const executor = witness((start) => started.push(start), {
    apply: () => gate.promise,
  });
  const [opened, far] = await connect({ executor });
  await using bench = opened;
  await far.send(event(1, "e1"));
  await far.send(event(1, "e1")); // it runs
  deepStrictEqual(ends(await answers(bench, far)), ["ack 1", "ack 1"]);
  gate.resolve();
  deepStrictEqual(ends(await answers(bench, far)), ["e1 1 completed"]);
  await far.send({ type: "status_ack", upto: 5 });
  await far.send(event(1, "e1")); // it has ended
  deepStrictEqual((await answers(bench, far)).toSorted(), [
    "ack 1",
    "e1 1 completed",
  ]);
  deepStrictEqual(started, ["e1 1"]);
});

Deno.test("Inbox runs a higher attempt, and acknowledges a lower one", async () => {
  const [opened, far] = await connect();
  await using bench = opened;
  await far.send(event(1, "e1"));
  await far.send(event(2, "e1", { attempt: 2 }));
  await far.send(event(3, "e1", { attempt: 1 }));
  deepStrictEqual(ends(await answers(bench, far)).at(-1), "ack 3");
  deepStrictEqual(bench.started, ["e1 1", "e1 2"]);
});

Deno.test("Inbox tells the end of a newer attempt again when an older one is delivered", async () => {
  const [opened, far] = await connect();
  await using bench = opened;
  await far.send(event(1, "e1", { attempt: 2 }));
  deepStrictEqual(ends(await answers(bench, far)), [
    "ack 1",
    "e1 2 completed",
  ]);
  await far.send({ type: "status_ack", upto: 100 });
  await far.send(event(2, "e1", { attempt: 1 })); // from before a restore
  deepStrictEqual(ends(await answers(bench, far)).toSorted(), [
    "ack 2",
    "e1 2 completed",
  ]);
  deepStrictEqual(bench.started, ["e1 2"]);
});

Deno.test("Inbox tells what became of a newer attempt that an earlier process began when an older one is delivered", async () => {
  const hanging = witness(() => {}, { apply: () => new Promise(() => {}) });
  const [opened, far] = await connect({ executor: hanging });
  await using dying = opened;
  await far.send(event(1, "e1", { attempt: 2 }));
  await answers(dying, far);
  const [again, back] = await connect({ file: new MemoryJournal(dying.file) });
  await using bench = again;
  await back.send(event(1, "e1", { attempt: 1 })); // from before a restore
  deepStrictEqual(ends(await answers(bench, back)).toSorted(), [
    "ack 1",
    "e1 2 interrupted",
  ]);
  deepStrictEqual(bench.started, []);
});

Deno.test("Inbox refuses another event of a known id, after a restart too", async () => {
  const [opened, far] = await connect();
  await using bench = opened;
  const other = { event: specOf("e1", { payload: { other: true } }) };
  await far.send(event(1, "e1"));
  await far.send(event(2, "e1", other));
  // The same body, made again later.
  await far.send(
    event(3, "e1", {
      event: specOf("e1", { created_at: "2026-11-23T06:00:00Z" }),
    }),
  );
  const refusals = (seen: string[]) =>
    seen.filter((line) => line.startsWith("nack"));
  deepStrictEqual(refusals(await answers(bench, far)), ["nack 2 id_conflict"]);

  const [again, back] = await connect({ file: new MemoryJournal(bench.file) });
  await using second = again;
  await back.send(event(4, "e1", { ...other, attempt: 2 }));
  deepStrictEqual(refusals(await answers(second, back)), [
    "nack 4 id_conflict",
  ]);
  deepStrictEqual([bench.started, second.started], [["e1 1"], []]);
});

Deno.test("Inbox says nothing of another event of a known id to a v1 control plane", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV1();
  await far.send({ type: "event", event: specOf("e1") });
  await far.send({
    type: "event",
    event: specOf("e1", { payload: { other: true } }),
  });
  deepStrictEqual(ends(await answers(bench, far)), ["e1 - completed"]);
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Inbox acknowledges what is durable, and only that", async () => {
  const [opened, far] = await connect();
  await using bench = opened;
  const gate = Promise.withResolvers<void>();
  bench.file.gate = gate.promise;
  await far.send(event(1, "e1"));
  await far.send(event(1, "e1"));
  deepStrictEqual(await answers(bench, far), []);
  bench.file.gate = undefined;
  gate.resolve();
  deepStrictEqual(ends(await answers(bench, far)).toSorted(), [
    "ack 1",
    "e1 1 completed",
  ]);
});

Deno.test("Inbox runs what only arrived before a restart, once it is delivered again", async () => {
  const [opened, far] = await connect({
    executor: witness(() => {}, { apply: () => new Promise(() => {}) }),
    concurrency: 1,
  });
  await using bench = opened;
  await far.send(event(1, "running"));
  await far.send(event(2, "waiting"));
  const [again, back] = await connect({ file: new MemoryJournal(bench.file) });
  await using second = again;
  await back.send(event(1, "running"));
  await back.send(event(2, "waiting"));
  deepStrictEqual(second.started, ["waiting 1"]);
  const seen = ends(await answers(second, back)).filter((line) =>
    !line.startsWith("ack")
  );
  deepStrictEqual(seen, ["running 1 interrupted", "waiting 1 completed"]);
});

/** When an event of a v1 control plane has to be over, seconds from now; its ttl is a minute. */
const V1_DEADLINES: Readonly<
  Record<string, { created: unknown; startsWithin: number }>
> = {
  "its making, if that is believable": {
    created: "2026-11-23T05:04:07Z",
    startsWithin: 40,
  },
  "now, if it says Go's zero time": {
    created: "0001-01-01T00:00:00Z",
    startsWithin: 60,
  },
  "now, if it says nothing": { created: undefined, startsWithin: 60 },
  "now, if it comes from the future": {
    created: "2027-01-01T00:00:00Z",
    startsWithin: 60,
  },
};

for (const [name, { created, startsWithin }] of Object.entries(V1_DEADLINES)) {
  for (const [late, starts] of [[-1, true], [0, false]] as const) {
    Deno.test(`expiry.inflight: a v1 event's time counts from ${name}: ${starts ? "just in time" : "too late"}`, async () => {
      const started: string[] = [];
      const gate = Promise.withResolvers<void>();
      const executor = witness((start) => started.push(start), {
        apply: ({ first }) => first === true ? gate.promise : Promise.resolve(),
      });
      await using bench = await AgentBench.open({ executor, concurrency: 1 });
      const far = await bench.accept();
      await far.registerV1();
      await far.send({
        type: "event",
        event: specOf("first", { payload: { first: true } }),
      });
      await far.send({
        type: "event",
        event: { ...specOf("e1", { ttl: 60e9 }), created_at: created },
      });
      await bench.clock.advance(startsWithin * 1000 + late);
      gate.resolve();
      await bench.clock.advance(0);
      deepStrictEqual(started, starts ? ["first 1", "e1 1"] : ["first 1"]);
    });
  }
}
