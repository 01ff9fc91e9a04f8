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

/** What happens to the events of a run besides that they are run. */
interface Story {
  /** Whether an attempt may be repeated. */
  readonly repeatable: boolean;
  /** Which event is cancelled, and when: once it is released, or once it has started. */
  readonly cancel?: { readonly id: string; readonly when: "waits" | "runs" };
}

/** Has a control plane's events run by one process after the other, the first of which dies. */
async function run(life: Life, { repeatable, cancel }: Story) {
  const clock = new TestClock();
  const controlPlane = new TestControlPlane(clock);
  const started: string[] = [];
  /** Starts, and ends as the control plane sees them, in order. */
  const order: string[] = [];
  controlPlane.onEnd = (id) => order.push(`end ${id}`);
  for (const id of ["a", "b", "c"]) controlPlane.submit(specOf(id));
  const cancelled = cancelWhen(controlPlane, { cancel, started });
  let left = new MemoryJournal();
  let deaths = 0;
  while (!controlPlane.done) {
    const journal = new DyingJournal(left, life);
    const wires: Wire[] = [];
    const living = live(journal, {
      clock,
      controlPlane,
      executor: witness((start) => {
        started.push(start);
        order.push(`start ${start.split(" ")[0]}`);
        controlPlane.changed();
      }, {
        repeatable,
        keys: () => ["one at a time"],
        // What is to be cancelled while it runs, or while it waits, has the time for it.
        apply: (_, { signal, idempotencyKey: id }) =>
          Promise.race([
            cancel?.when === "runs" && id === cancel.id
              ? new Promise(() => {})
              : cancelled,
            new Promise((_, reject) =>
              signal.addEventListener("abort", () => reject(signal.reason))
            ),
          ]),
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
  return { controlPlane, started, order, deaths };
}

/** Resolves when the event that is to be cancelled is, if one is. */
async function cancelWhen(
  controlPlane: TestControlPlane,
  { cancel, started }: {
    readonly cancel: Story["cancel"];
    readonly started: readonly string[];
  },
): Promise<void> {
  if (cancel === undefined) return;
  const { id, when } = cancel;
  const event = controlPlane.events.get(id);
  await controlPlane.until(() =>
    event?.end !== undefined ||
    (when === "waits"
      ? (event?.seq ?? 0) > 0
      : started.some((start) => start.startsWith(`${id} `)))
  );
  controlPlane.cancel(id);
}

/** The power fails at every write in turn, until none is left. */
async function atEveryWrite(
  reaches: Reaches,
  story: Story,
  judge: (
    result: Awaited<ReturnType<typeof run>>,
    where: string,
  ) => void,
): Promise<void> {
  let positions = 0;
  for (let deaths = 1; deaths > 0; positions++) {
    const result = await run({ writes: positions, reaches }, story);
    deaths = result.deaths;
    const { started, order, controlPlane } = result;
    const where = `power loss at write ${positions}: ${order}`;
    deepStrictEqual(new Set(started).size, started.length, where);
    deepStrictEqual(controlPlane.problems, [], where);
    for (const id of controlPlane.events.keys()) {
      const last = order.lastIndexOf(`start ${id}`);
      ok(last < order.indexOf(`end ${id}`), `${id} starts again: ${where}`);
    }
    judge(result, where);
  }
  ok(positions > 6, `${positions} positions`);
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
      await atEveryWrite(
        reaches,
        { repeatable },
        ({ started, controlPlane }, where) => {
          for (
            const { spec: { id }, end, attempt } of controlPlane.events.values()
          ) {
            if (!repeatable) strictEqual(attempt, 1);
            if (!repeatable && end?.phase === "interrupted") continue;
            deepStrictEqual([id, end?.state], [id, "completed"], where);
            ok(started.includes(`${id} ${attempt}`), where);
          }
        },
      );
    });
  }

  Deno.test(`Agent survives a power loss at every write, of which ${reaches} reaches the disk: what was cancelled while it waited never starts`, async () => {
    const cancel = { id: "c", when: "waits" } as const;
    await atEveryWrite(
      reaches,
      { repeatable: true, cancel },
      ({ started, controlPlane }, where) => {
        strictEqual(
          controlPlane.events.get("c")?.end?.state,
          "cancelled",
          where,
        );
        ok(!started.some((start) => start.startsWith("c ")), where);
        for (const id of ["a", "b"]) {
          const { end } = controlPlane.events.get(id) ?? {};
          strictEqual(end?.state, "completed", where);
        }
      },
    );
  });

  Deno.test(`Agent survives a power loss at every write, of which ${reaches} reaches the disk: what was cancelled while it ran starts once, and its end is told`, async () => {
    const cancel = { id: "a", when: "runs" } as const;
    await atEveryWrite(
      reaches,
      { repeatable: false, cancel },
      ({ started, controlPlane }, where) => {
        const { end, attempt } = controlPlane.events.get("a") ?? {};
        const phase = end?.phase ?? end?.state;
        ok(phase === "cancelled" || phase === "interrupted", where);
        strictEqual(attempt, 1, where);
        ok(started.filter((start) => start.startsWith("a ")).length <= 1);
      },
    );
  });
}
