import type { Submit } from "../history/entry.ts";
import type { Api } from "./api.ts";
import type { Task } from "./executor.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import type { Random } from "./random.ts";

/** How many events a run has. */
const EVENTS = 25;

/** An event of a run, and how its producer goes about it. */
interface Plan {
  readonly id: string;
  readonly agent: string;
  readonly priority: number;
  readonly ttlMs: number;
  readonly task: Task;
  /** When it is submitted first. */
  readonly at: number;
  /** How often it is submitted, until it is accepted. */
  readonly triesMax: number;
  /** Whether it is submitted once more after that, as one who did not hear the answer does. */
  readonly again: boolean;
}

/** What the workload works with. */
export interface WorkloadOptions {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** The way to the control plane. */
  readonly api: Api;
  /** Who notes the calls and their answers. */
  readonly observer: Observer;
  /** Who the events are for. */
  readonly agents: readonly [string, ...string[]];
  /** How long events come in, in milliseconds. */
  readonly durationMs: number;
}

/** The producers of a run. */
export class Workload {
  readonly #options: WorkloadOptions;
  /** The ids of its events. */
  readonly ids: readonly string[];
  #open = EVENTS;

  /** Plans events, and lets them be submitted when their time comes. */
  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { loop } = options;
    const plans = Array.from({ length: EVENTS }, (_, i) => plan(i, options));
    this.ids = plans.map(({ id }) => id);
    for (const plan of plans) {
      loop.after(plan.at, "producer", () => void this.#produce(plan));
    }
  }

  /** Whether every producer has given up, or was answered. */
  get done(): boolean {
    return this.#open === 0;
  }

  async #produce(plan: Plan): Promise<void> {
    const { random } = this.#options;
    for (let tries = 1; tries <= plan.triesMax; tries++) {
      const outcome = await this.#submit(plan);
      if (outcome !== "unknown") break;
      await this.#sleep(random.exponential(1000 * tries));
    }
    if (plan.again) {
      await this.#sleep(random.exponential(5000));
      await this.#submit(plan);
    }
    this.#open--;
  }

  async #submit(plan: Plan): Promise<Submit["outcome"]> {
    const { loop, api, observer } = this.#options;
    const at = loop.now;
    const answer = await api.call(({ core }) =>
      core.intake.accept(bodyOf(plan), {
        api: "v1",
        tenant: "default",
        principal: "producer",
      })
    );
    const outcome = answer.kind === "ok"
      ? "ok"
      : answer.kind === "refused" && !answer.error.retryable
      ? "fail"
      : "unknown";
    const [key] = plan.task.keys;
    observer.note({
      kind: "submit",
      at,
      end: loop.now,
      event: plan.id,
      agent: plan.agent,
      outcome,
      priority: plan.priority,
      ttlMs: plan.ttlMs,
      repeatable: plan.task.repeatable,
      ...(key === undefined ? {} : { key }),
    });
    return outcome;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) =>
      this.#options.loop.after(ms, "producer", resolve)
    );
  }
}

/** Most events come in a few bursts, the others at any time. */
function plan(index: number, options: WorkloadOptions): Plan {
  const { agents, durationMs } = options;
  const random = options.random.fork(`event ${index}`);
  const burst = random.chance(0.6);
  const start = burst
    ? durationMs * random.int(0, 3) / 4
    : random.between(0, durationMs);
  return {
    id: `e${index + 1}`,
    agent: random.pick(agents),
    priority: random.chance(0.7) ? 0 : random.int(0, 9),
    ttlMs: random.chance(0.15) ? random.between(3000, 30_000) : 3_600_000,
    task: {
      ms: random.exponential(random.chance(0.2) ? 5000 : 50),
      keys: random.chance(0.6) ? [`key ${random.int(1, 2)}`] : [],
      repeatable: random.chance(0.7),
      recoverable: random.chance(0.3),
      failures: random.chance(0.1) ? random.int(1, 3) : 0,
    },
    at: start + random.exponential(20),
    triesMax: random.chance(0.8) ? Infinity : random.int(1, 2),
    again: random.chance(0.2),
  };
}

function bodyOf({ id, agent, priority, ttlMs, task }: Plan) {
  return {
    id,
    type: "witness",
    target_agent: agent,
    payload: task,
    ttl: Math.round(ttlMs) * 1_000_000,
    priority,
  };
}
