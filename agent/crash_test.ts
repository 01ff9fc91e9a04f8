import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Executor, TransporterError, type Wire } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { TestClock } from "@transporter/sdk/testing";
import { Agent } from "./agent.ts";
import { specOf, TestControlPlane } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

/** How much of the write at which the power fails reaches the disk. */
type Reaches = "nothing" | "half" | "all";

/** When the first process dies: at its so-manieth write. */
interface Life {
  writes: number;
  readonly reaches: Reaches;
}

/** A journal whose process loses its power at a write. */
class DyingJournal extends MemoryJournal {
  readonly died: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #life: Life;
  #dead = false;

  constructor(left: MemoryJournal, life: Life) {
    super(left);
    this.#life = life;
  }

  override async append(bytes: Uint8Array, at: number): Promise<void> {
    const half = bytes.subarray(0, bytes.length / 2);
    await this.#live(() =>
      super.append(this.#life.reaches === "half" ? half : bytes, at)
    );
    await super.append(bytes, at);
  }

  override async replace(bytes: Uint8Array): Promise<void> {
    // Replacing is one step.
    await this.#live(() =>
      this.#life.reaches === "half" ? Promise.resolve() : super.replace(bytes)
    );
    await super.replace(bytes);
  }

  async #live(lastWrite: () => Promise<void>): Promise<void> {
    if (!this.#dead && this.#life.writes-- !== 0) return;
    if (!this.#dead && this.#life.reaches !== "nothing") await lastWrite();
    this.#dead = true;
    this.died.resolve();
    await new Promise<never>(() => {}); // nothing of a dead process goes on
  }
}

/** Has a control plane's events run by one process after the other, the first of which dies. */
async function run(life: Life, repeatable: boolean) {
  const clock = new TestClock();
  const controlPlane = new TestControlPlane(clock);
  const started: string[] = [];
  for (const id of ["a", "b", "c"]) controlPlane.submit(specOf(id));
  let left = new MemoryJournal();
  let deaths = 0;
  while (!controlPlane.done) {
    const journal = new DyingJournal(left, life);
    const wires: Wire[] = [];
    const living = live(journal, {
      clock,
      controlPlane,
      executor: witness((start) => started.push(start), {
        repeatable,
        keys: () => ["one at a time"],
      }),
      wires,
    });
    const died = journal.died.promise.then(() => true);
    if (await Promise.race([living, died])) deaths++;
    for (const wire of wires) {
      await wire.close(new TransporterError("unavailable", "Cut"));
    }
    left = journal;
  }
  return { controlPlane, started, deaths };
}

/** One process of an agent, until every event has ended. */
async function live(
  journalFile: DyingJournal,
  { clock, controlPlane, executor, wires }: {
    readonly clock: TestClock;
    readonly controlPlane: TestControlPlane;
    readonly executor: Executor;
    readonly wires: Wire[];
  },
): Promise<false> {
  await using agent = await Agent.open({
    agentId: "edge",
    cpUrl: ["ws://cp"],
    executors: [executor],
    dials: {
      ws() {
        const [near, far] = memoryWires();
        wires.push(far);
        controlPlane.serve(far);
        return Promise.resolve(near);
      },
    },
    journalFile,
    clock,
  });
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  await controlPlane.until(() => controlPlane.done);
  stop.abort();
  await running;
  return false;
}

for (const reaches of ["nothing", "half", "all"] as const) {
  for (const repeatable of [true, false]) {
    Deno.test(`Agent survives a power loss at every write, of which ${reaches} reaches the disk: no ${repeatable ? "attempt" : "event"} starts twice, no end is lost`, async () => {
      let positions = 0;
      for (let deaths = 1; deaths > 0; positions++) {
        const result = await run({ writes: positions, reaches }, repeatable);
        deaths = result.deaths;
        const { started, controlPlane } = result;
        const where = `power loss at write ${positions}: ${started}`;
        deepStrictEqual(new Set(started).size, started.length, where);
        for (
          const { spec: { id }, end, attempt } of controlPlane.events.values()
        ) {
          const lost = !repeatable && end?.phase === "interrupted";
          if (!lost) {
            deepStrictEqual([id, end?.state], [id, "completed"], where);
          }
          if (!lost) ok(started.includes(`${id} ${attempt}`), where);
          if (!repeatable) strictEqual(attempt, 1);
        }
      }
      ok(positions > 6, `${positions} positions`);
    });
  }
}
