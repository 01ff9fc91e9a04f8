import { deepStrictEqual, ok } from "node:assert/strict";
import { TransporterError, type Wire } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { Agent } from "./agent.ts";
import { specOf, TestControlPlane } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

/** Where a link is cut: at a frame, counted over both directions, which still arrives or does not. */
interface Cut {
  at: number;
  readonly arrives: boolean;
}

/** A pair of wires that break once. */
function breakingWires(cut: Cut): [near: Wire, far: Wire] {
  const [near, far] = memoryWires();
  function breaking(wire: Wire): Wire {
    return {
      frames: wire.frames,
      close: (reason) => wire.close(reason),
      async send(frame) {
        if (cut.at-- !== 0) return await wire.send(frame);
        if (cut.arrives) await wire.send(frame);
        await wire.close(new TransporterError("unavailable", "Cut"));
        throw new TransporterError("unavailable", "Cut");
      },
    };
  }
  return [breaking(near), breaking(far)];
}

/** Runs three events over a link that breaks; says what was started, and whether it broke. */
async function run(
  cut: Cut,
): Promise<
  { started: string[]; controlPlane: TestControlPlane; broke: boolean }
> {
  const controlPlane = new TestControlPlane();
  const started: string[] = [];
  const serving: Promise<void>[] = [];
  await using agent = await Agent.open({
    agentId: "edge",
    cpUrl: ["ws://cp"],
    executors: [
      witness((start) => started.push(start), {
        keys: () => ["one at a time"],
      }),
    ],
    dials: {
      ws() {
        const [near, far] = breakingWires(cut);
        serving.push(controlPlane.serve(far));
        return Promise.resolve(near);
      },
    },
    journalFile: new MemoryJournal(),
    rng: { next: () => 0 },
    drainTimeout: 1_000,
  });
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  for (const id of ["a", "b", "c"]) controlPlane.submit(specOf(id));
  await controlPlane.until(() => controlPlane.done);
  stop.abort();
  await running;
  await Promise.all(serving);
  return { started, controlPlane, broke: cut.at < 0 };
}

for (const arrives of [false, true]) {
  Deno.test(`link.cut.inflight: cut ${arrives ? "after" : "before"} every frame, an attempt starts once and its end arrives`, async () => {
    let positions = 0;
    for (let broke = true; broke; positions++) {
      const result = await run({ at: positions, arrives });
      broke = result.broke;
      deepStrictEqual(
        result.started,
        ["a 1", "b 1", "c 1"],
        `cut at ${positions}`,
      );
      for (
        const { spec: { id }, end, statuses } of result.controlPlane.events
          .values()
      ) {
        deepStrictEqual(
          [id, end?.state],
          [id, "completed"],
          `cut at ${positions}`,
        );
        const phases = statuses.map(({ phase }) => phase);
        const order = [
          "received",
          "validating",
          "applying",
          "verifying",
          "completed",
        ];
        deepStrictEqual([...new Set(phases)], order, `cut at ${positions}`);
      }
    }
    ok(positions > 20, `${positions} positions`);
  });
}
