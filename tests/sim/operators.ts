import type { Operate } from "../history/entry.ts";
import { type Api, outcomeOf } from "./api.ts";
import type { Service } from "./control_plane.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import type { Random } from "./random.ts";

/** Milliseconds between calls, on average. */
const CALL_MS = 4000;

/** Milliseconds between looks whether an earlier call is still under way. */
const QUIET_MS = 100;

/** What operators work with. */
export interface OperatorsOptions {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** The way to the control plane, for them alone. */
  readonly api: Api;
  /** Who notes the calls and their answers. */
  readonly observer: Observer;
  /** The ids of events they know. */
  readonly ids: readonly string[];
  /** The agents they know. */
  readonly agents: readonly [string, ...string[]];
  /** The agent that they delete some time, whether it is still there or not. */
  readonly leaving: string | undefined;
}

/** People who cancel events, ask for another attempt, and pause and delete agents. */
export class Operators {
  readonly #options: OperatorsOptions;
  #over = false;

  /** Makes some who have done nothing yet. */
  constructor(options: OperatorsOptions) {
    this.#options = options;
  }

  /** Does one thing after the other, at random. */
  async work(): Promise<void> {
    const { random, ids, agents, leaving } = this.#options;
    for (;;) {
      await this.#sleep(random.exponential(CALL_MS));
      if (this.#over) return;
      const event = ids[random.int(0, ids.length - 1)] ?? "";
      const what = random.next();
      if (what < 0.5) this.#cancel(event);
      else if (what < 0.8) this.#retry(event);
      else if (what < 0.86 && leaving !== undefined) this.#delete(leaving);
      else this.#pause(random.pick(agents));
    }
  }

  /**
   * Lets every agent go on, and does nothing more. A call to pause one that was
   * not answered may still be under way, and would have its effect after that:
   * it waits for those first.
   */
  async finish(): Promise<void> {
    this.#over = true;
    while (!this.#options.api.quiet) await this.#sleep(QUIET_MS);
    for (const agent of this.#options.agents) {
      while (await this.#resume(agent) === "unknown") await this.#sleep(1000);
    }
  }

  async #cancel(event: string): Promise<void> {
    let attempt: number | undefined;
    await this.#call({ op: "cancel", event }, async ({ core }) => {
      const asking = { principal: "operator", reason: "" };
      const record = await core.operator.cancel("default", event, asking);
      attempt = record.attempt;
    }, () => attempt === undefined ? {} : { attempt });
  }

  async #retry(event: string): Promise<void> {
    await this.#call(
      { op: "retry", event },
      ({ core }) =>
        core.operator.retry("default", event, { principal: "operator" }),
    );
  }

  async #pause(agent: string): Promise<void> {
    await this.#call(
      { op: "pause", agent },
      ({ core }) => core.operator.pause("default", agent),
    );
    await this.#sleep(this.#options.random.exponential(5000));
    await this.#resume(agent);
  }

  #delete(agent: string): Promise<Operate["outcome"]> {
    return this.#call(
      { op: "delete", agent },
      ({ core }) =>
        core.operator.deleteAgent("default", agent, { principal: "operator" }),
    );
  }

  #resume(agent: string): Promise<Operate["outcome"]> {
    return this.#call(
      { op: "resume", agent },
      ({ core }) => core.operator.resume("default", agent),
    );
  }

  async #call(
    what: Pick<Operate, "op" | "event" | "agent">,
    work: (service: Service) => Promise<unknown>,
    facts: () => Pick<Operate, "attempt"> = () => ({}),
  ): Promise<Operate["outcome"]> {
    const { loop, api, observer } = this.#options;
    const at = loop.now;
    const outcome = outcomeOf(await api.call(work));
    const end = loop.now;
    const call = { at, end, outcome, ...what, ...facts() };
    observer.note({ kind: "operate", ...call });
    return outcome;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) =>
      this.#options.loop.after(ms, "operator", resolve)
    );
  }
}
