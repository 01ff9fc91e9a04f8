import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
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

/** Runs events over a link that breaks; says what was started, and whether it broke. */
async function run(
  cut: Cut,
  { window, cancel }: { readonly window: number; readonly cancel?: string },
): Promise<
  { started: string[]; controlPlane: TestControlPlane; broke: boolean }
> {
  const controlPlane = new TestControlPlane();
  const started: string[] = [];
  const serving: Promise<void>[] = [];
  const cancelled = Promise.withResolvers<void>();
  await using agent = await Agent.open({
    agentId: "edge",
    cpUrl: ["ws://cp"],
    executors: [
      witness((start) => started.push(start), {
        keys: () => ["one at a time"],
        apply: (_, { signal }) =>
          Promise.race([
            cancelled.promise,
            new Promise((_, reject) =>
              signal.addEventListener("abort", () => reject(signal.reason))
            ),
          ]),
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
    window,
  });
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  for (const id of ["a", "b", "c"]) controlPlane.submit(specOf(id));
  if (cancel !== undefined) {
    const event = controlPlane.events.get(cancel);
    await controlPlane.until(() => (event?.seq ?? 0) > 0);
    controlPlane.cancel(cancel);
    await controlPlane.until(() => event?.end !== undefined);
  }
  cancelled.resolve();
  await controlPlane.until(() => controlPlane.done);
  stop.abort();
  await running;
  await Promise.all(serving);
  return { started, controlPlane, broke: cut.at < 0 };
}

/** Cuts at every frame in turn, until there is none left. */
async function atEveryFrame(
  arrives: boolean,
  story: Parameters<typeof run>[1],
  judge: (result: Awaited<ReturnType<typeof run>>, where: string) => void,
): Promise<void> {
  let positions = 0;
  for (let broke = true; broke; positions++) {
    const result = await run({ at: positions, arrives }, story);
    broke = result.broke;
    const where = `cut at ${positions}`;
    deepStrictEqual(result.controlPlane.problems, [], where);
    judge(result, where);
  }
  ok(positions > 20, `${positions} positions`);
}

for (const arrives of [false, true]) {
  const when = arrives ? "after" : "before";
  for (const window of [8, 1]) {
    Deno.test(`link.cut.inflight: cut ${when} every frame with a window of ${window}, an attempt starts once and its end arrives`, async () => {
      await atEveryFrame(
        arrives,
        { window },
        ({ started, controlPlane }, where) => {
          deepStrictEqual(started, ["a 1", "b 1", "c 1"], where);
          for (
            const { spec: { id }, end, statuses } of controlPlane.events
              .values()
          ) {
            deepStrictEqual([id, end?.state], [id, "completed"], where);
            const phases = statuses.map(({ phase }) => phase);
            const order = [
              "received",
              "validating",
              "applying",
              "verifying",
              "completed",
            ];
            deepStrictEqual([...new Set(phases)], order, where);
          }
        },
      );
    });
  }

  Deno.test(`Inbox.cancel() over a link that is cut ${when} every frame: what waits never starts`, async () => {
    await atEveryFrame(
      arrives,
      { window: 8, cancel: "b" },
      ({ started, controlPlane }, where) => {
        deepStrictEqual(started, ["a 1", "c 1"], where);
        const { end } = controlPlane.events.get("b") ?? {};
        strictEqual(end?.state, "cancelled", where);
      },
    );
  });

  Deno.test(`Inbox.cancel() over a link that is cut ${when} every frame: what runs ends once`, async () => {
    await atEveryFrame(
      arrives,
      { window: 8, cancel: "a" },
      ({ started, controlPlane }, where) => {
        const { end } = controlPlane.events.get("a") ?? {};
        strictEqual(end?.state, "cancelled", where);
        const known = started.filter((start) => !start.startsWith("a "));
        deepStrictEqual(known, ["b 1", "c 1"], where);
        ok(started.length <= 3, where);
      },
    );
  });
}
