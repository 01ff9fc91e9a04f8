import type { Submit } from "../history/entry.ts";
import { type Api, outcomeOf } from "./api.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import { bodyOf, type Plan } from "./plan.ts";
import type { Random } from "./random.ts";

/** When every agent that will ever be known is, in milliseconds. */
const KNOWN_MS_MAX = 200_000;

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
    const at = loop.now;
    const plain = Object.keys(plan.wishes).length === 0;
    const answer = await api.call(({ core }) =>
      core.intake.accept(bodyOf(plan), {
        api: plain ? "v1" : "v2",
        tenant: "default",
        principal: "producer",
      })
    );
    const outcome = outcomeOf(answer);
    observer.note({
      kind: "submit",
      at,
      end: loop.now,
      outcome,
      ...describe(plan),
    });
    // Its agent may be known later, unless it was deleted and does not come back.
    const unknown = answer.kind === "refused" &&
      answer.error.code === "unknown_agent" && loop.now < KNOWN_MS_MAX;
    return unknown ? "unknown" : outcome;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) =>
      this.#options.loop.after(ms, "producer", resolve)
    );
  }
}

/** What can be expected of an event, for those who judge. */
function describe(
  { id, agent, priority, ttlMs, task, wishes }: Plan,
): Omit<Submit, "kind" | "at" | "end" | "outcome"> {
  const { retry, notBefore, supersedes } = wishes;
  const repeatable = task.repeatable || retry?.interrupted === true;
  // Whatever waits for something else has no place among those that do not.
  const waits = notBefore !== undefined || supersedes !== undefined;
  const key = waits ? undefined : wishes.key ?? task.keys[0];
  return {
    event: id,
    agent,
    priority,
    ttlMs,
    repeatable,
    startsMax: retry?.attempts ?? (task.repeatable ? 3 : 1),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(key === undefined ? {} : { key }),
  };
}
