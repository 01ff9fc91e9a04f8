import { type EventSpec, silentLogger, ulids } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { ControlPlaneClock } from "../control_plane_clock.ts";
import { Journal } from "../journal.ts";
import { Outbox } from "../outbox.ts";
import { Outputs } from "../outputs.ts";
import { Places } from "../places.ts";
import { Runner } from "../runner.ts";
import { prepare, type Work } from "../work.ts";
import { specOf } from "./control_plane.ts";
import { MemoryJournal } from "./memory_journal.ts";
import { witness, type WitnessOptions } from "./witness.ts";

/** A runner, and hands to hold its work and let it go. */
export class RunnerBench {
  /** Its time. */
  readonly clock = new TestClock();
  /** The disk of its journal. */
  readonly file: MemoryJournal;
  /** Starts, as `id attempt`. */
  readonly started: string[] = [];
  /** What `apply` came to its end for. */
  readonly ended: string[] = [];
  /** Why nothing can be started any more. */
  readonly failures: unknown[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  /** Its journal. */
  journal!: Journal;
  /** What is tested. */
  runner!: Runner;

  private constructor(file: MemoryJournal) {
    this.file = file;
  }

  /** Opens one that has nothing to do; its journal may be what another one left. */
  static async open(
    concurrency = 8,
    left = new MemoryJournal(),
  ): Promise<RunnerBench> {
    const bench = new RunnerBench(left);
    const { clock, file } = bench;
    const journal = await Journal.open(file, {
      agent: "edge",
      ids: ulids(() => 1, { next: () => 0 }),
      clock,
      log: silentLogger,
    });
    bench.journal = journal;
    bench.runner = new Runner({
      agentId: "edge",
      concurrency,
      standingMax: 2,
      journal,
      places: new Places({ executors: [], journal, clock, log: silentLogger }),
      outbox: new Outbox({ journal, log: silentLogger }),
      outputs: new Outputs(clock, () => false),
      clock,
      controlPlaneClock: new ControlPlaneClock(clock),
      log: silentLogger,
      failed: (reason) => bench.failures.push(reason),
    });
    return bench;
  }

  /** Adds an event whose `apply` lasts until it is let go. */
  async add(
    id: string,
    options:
      & WitnessOptions
      & Partial<
        Pick<Work, "attempt" | "deadline" | "begun" | "applied" | "seq">
      >
      & { spec?: Partial<EventSpec> } = {},
  ): Promise<void> {
    const { attempt = 1, deadline = this.clock.now() + 60_000, begun = false } =
      options;
    const gate = Promise.withResolvers<void>();
    this.#gates.set(id, gate);
    const executor = witness((start) => this.started.push(start), {
      apply: async (_payload, { signal }) => {
        signal.addEventListener("abort", () => gate.reject(signal.reason), {
          once: true,
        });
        await gate.promise;
        this.ended.push(id);
      },
      ...options,
    });
    const spec = specOf(id, options.spec);
    const prepared = await prepare(executor, spec);
    if (!begun) this.journal.arrive({ id, attempt, digest: id, deadline });
    this.runner.add({
      spec,
      attempt,
      seq: "seq" in options ? options.seq : 1,
      deadline,
      begun,
      applied: options.applied,
      chars: 100,
      executor,
      ...prepared,
    });
    await settle();
  }

  /** Lets events go, one after the other. */
  async release(...ids: string[]): Promise<void> {
    for (const id of ids) {
      this.#gates.get(id)?.resolve();
      await settle();
    }
  }

  /** How an event ended: its phase and the code of its error. */
  end(id: string): string | undefined {
    const { phase, error } = this.journal.get(id)?.status ?? {};
    return error === undefined ? phase : `${phase} ${error.code}`;
  }
}
