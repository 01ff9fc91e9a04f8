import type { Submit } from "../history/entry.ts";
import type { Api } from "./api.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";

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
}

/** The producers of a run. */
export class Workload {
  /** The ids of all events that were planned. */
  readonly ids: string[] = [];
  readonly #options: WorkloadOptions;
  #open = 0;

  /** Makes one without events. */
  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Whether every producer has given up, or was answered. */
  get done(): boolean {
    return this.#open === 0;
  }

  /** Submits an event when its time has come. */
  add(plan: Plan): void {
    const { loop } = this.#options;
    this.#open++;
    this.ids.push(plan.id);
    loop.after(
      plan.at - loop.now,
      "producer",
      () => void this.#produce(plan),
    );
  }

  async #produce(plan: Plan): Promise<void> {
    const { random } = this.#options;
    for (let tries = 1; tries <= plan.triesMax; tries++) {
      const outcome = await this.#submit(plan);
      if (outcome !== "unknown") break;
      await this.#sleep(random.exponential(1000 * Math.min(tries, 5)));
    }
    if (plan.again) {
      await this.#sleep(random.exponential(5000));
      await this.#submit(plan);
    }
    this.#open--;
  }

  async #submit(plan: Plan): Promise<Submit["outcome"]> {
    const { loop, api, observer } = this.#options;
    const { id: event, agent, priority, ttlMs, task } = plan;
    const at = loop.now;
    const answer = await api.call(({ core }) =>
      core.intake.accept(bodyOf(plan), {
        api: "v1",
        tenant: "default",
        principal: "producer",
      })
    );
    const refused = answer.kind === "refused" && !answer.error.retryable;
    const outcome = answer.kind === "ok" ? "ok" : refused ? "fail" : "unknown";
    const [key] = task.keys;
    const { repeatable } = task;
    observer.note({
      kind: "submit",
      at,
      end: loop.now,
      event,
      agent,
      outcome,
      priority,
      ttlMs,
      repeatable,
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
