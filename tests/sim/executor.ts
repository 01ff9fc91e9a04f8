import {
  defineExecutor,
  type EventKind,
  type Executor,
  isRecord,
  TransporterError,
} from "@transporter/sdk";
import type { Process } from "./machine.ts";
import type { Observer } from "./observer.ts";

/** What an event of a run asks for. */
export interface Task {
  /** How long it takes, in milliseconds. */
  readonly ms: number;
  /** What it touches. */
  readonly keys: readonly string[];
  /** Whether it may be started again when nobody knows how far it came. */
  readonly repeatable: boolean;
  /** Whether a later process can tell that it was done. */
  readonly recoverable: boolean;
  /** How many attempts fail before one does not. */
  readonly failures: number;
  /** Whether it ends the agent that runs it. */
  readonly deadly: boolean;
  /** How many lines it puts out. */
  readonly lines: number;
  /** What it carries, and its result, too: a large one goes in parts. */
  readonly load: string;
}

/** What is done in the cluster of an agent: it outlives every process. */
export type Cluster = Set<string>;

/** The type of these events. */
export const TYPE = "witness";

/** The task of an event, from its payload. */
export function taskOf(payload: unknown): Task {
  if (!isRecord(payload)) throw new TypeError("A task is an object");
  return payload as unknown as Task;
}

/** What the control plane knows of these events. */
export const KIND: EventKind = {
  type: TYPE,
  check: () => Promise.resolve(),
  repeatable: (payload) => taskOf(payload).repeatable,
};

/** The executor of a process, which tells the observer of every start and every end. */
export function witness(
  process: Process,
  cluster: Cluster,
  observer: Observer,
): Executor {
  const agent = process.machine.name;
  return defineExecutor<Task, Task, Record<string, unknown>>({
    type: TYPE,
    version: "1.0.0",
    schema: {
      "~standard": {
        version: 1,
        vendor: "simulator",
        validate: (value) => ({ value: taskOf(value) }),
      },
    },
    validate: (task) => Promise.resolve(task),
    async apply(task, { idempotencyKey: event, attempt, signal, output }) {
      const work = { agent, event, attempt };
      observer.note({ kind: "start", ...work, process: process.name });
      try {
        for (let line = 1; line <= task.lines; line++) {
          const text = `line ${line} of attempt ${attempt} at ${event}\n`;
          observer.note({ kind: "output", event, attempt, text });
          output("stdout", text);
          if (line % 2 === 0) {
            await process.clock.sleep(task.ms / 4, { signal });
          }
        }
        await process.clock.sleep(task.ms, { signal });
        if (task.deadly) await dieOf(process);
        if (attempt <= task.failures) throw failure(event, attempt);
      } catch (reason) {
        observer.note({ kind: "end", ...work, outcome: "failed" });
        throw reason;
      }
      cluster.add(event);
      observer.note({ kind: "end", ...work, outcome: "done" });
      return { done: true, load: task.load };
    },
    verify: () => Promise.resolve(),
    keys: ({ keys }) => keys,
    repeatable: ({ repeatable }) => repeatable,
    recover: ({ recoverable }, { idempotencyKey }) =>
      Promise.resolve(
        recoverable && cluster.has(idempotencyKey)
          ? { kind: "done", result: { done: true } }
          : { kind: "lost" },
      ),
  });
}

/** The process ends in the middle of it, as it does when memory runs out. */
function dieOf(process: Process): Promise<never> {
  return new Promise(() => process.after(0, "deadly", () => process.kill()));
}

function failure(event: string, attempt: number): TransporterError {
  return new TransporterError(
    "cluster_unavailable",
    `Cannot do attempt ${attempt} at event "${event}" as the task says so`,
  );
}
