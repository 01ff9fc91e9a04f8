import { type Clock, TransporterError } from "@transporter/sdk";
import { claim } from "./claim.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { KnownAgents } from "./known_agents.ts";
import { cancel, reopen, type TooLate } from "./life.ts";
import type { Quota } from "./quota.ts";
import type { Recorder } from "./recorder.ts";
import type { Sessions } from "./sessions.ts";
import type {
  AgentRecord,
  EventRecord,
  LogRecord,
  Store,
} from "./store/store.ts";
import { unknownAgent, unknownEvent } from "./unknown.ts";

/** Open events of an agent that are read at a time. */
const PAGE = 256;

/** Options of {@linkcode Operator}. */
export interface OperatorOptions {
  /** Where events and agents are looked up. */
  readonly store: Store;
  /** Who has to hear that an agent was forgotten. */
  readonly agents: Pick<KnownAgents, "forget">;
  /** Who writes states. */
  readonly recorder: Recorder;
  /** What limits open events. */
  readonly quota: Quota;
  /** Who sends events. */
  readonly dispatcher: Pick<Dispatcher, "wake">;
  /** Who is connected. */
  readonly sessions: Pick<Sessions, "remove">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Whether agents may have sessions elsewhere, too, over the same store. */
  readonly shared: boolean;
}

/** Who asks. */
export interface Asking {
  /** As the history says it. */
  readonly principal: string;
}

/** Who asks to cancel an event, and why. */
export interface AskingToCancel extends Asking {
  /** For people; may be empty. */
  readonly reason: string;
}

/** What people may do to events and agents: what every API for operators calls. What it answers is durable. */
export class Operator {
  readonly #options: OperatorOptions;

  /** Makes an operator; any number may share a store. */
  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /**
   * Cancels an event. What no agent has is cancelled at once. What an agent
   * has is cancelled as soon as the agent says so, or when the attempt comes
   * to no end: `notes.cancel` of the answer says that this is pending. May be
   * repeated.
   *
   * @param tenant Whose event it is.
   * @param id The event.
   * @param asking Who asks, and why.
   * @returns The event as it is now.
   * @throws {TransporterError} `unknown_event`; `too_late` with `details.state` when it has ended, or
   * a v1 agent, which cannot be told, has it; `store_unavailable`.
   */
  async cancel(
    tenant: string,
    id: string,
    { principal, reason }: AskingToCancel,
  ): Promise<EventRecord> {
    const { store, recorder, clock } = this.#options;
    const event = await this.#event(tenant, id);
    const agent = await store.getAgent(tenant, event.spec.target_agent);
    const told = agent?.linkVersion === 2;
    const now = clock.now();
    let late: TooLate | undefined;
    const step = await recorder.change(tenant, id, (record) => {
      const verdict = cancel(record, { principal, reason, told, now });
      late = typeof verdict === "string" ? verdict : undefined;
      return typeof verdict === "string" ? undefined : verdict;
    });
    if (step === undefined) throw unknownEvent(id);
    if (late !== undefined) throw tooLate(step.record, late);
    return step.record;
  }

  /**
   * Opens an event that has ended once more: another attempt, with a new
   * deadline. Its history goes on, and says who asked.
   *
   * @param tenant Whose event it is.
   * @param id The event.
   * @param asking Who asks.
   * @returns The event, queued.
   * @throws {TransporterError} `unknown_event`; `conflict` with `details.state` while it is open;
   * `queue_full`, `store_unavailable`.
   */
  async retry(
    tenant: string,
    id: string,
    { principal }: Asking,
  ): Promise<EventRecord> {
    const { recorder, quota, clock } = this.#options;
    const { spec, bytes } = await this.#event(tenant, id);
    const now = clock.now();
    using _ = quota.reserve(tenant, { agent: spec.target_agent, bytes });
    const step = await recorder.change(
      tenant,
      id,
      (record) => reopen(record, { principal, now }),
    );
    if (step === undefined) throw unknownEvent(id);
    const { record, changed } = step;
    if (changed) return record;
    throw new TransporterError(
      "conflict",
      `Cannot run event "${id}" again as it has not ended: it is "${record.state}"`,
      { details: { state: record.state } },
    );
  }

  /**
   * Releases nothing to an agent any more. Events for it are still accepted,
   * and what it has it may finish. May be repeated: it stays paused since the
   * first time.
   *
   * @throws {TransporterError} `unknown_agent`, `store_unavailable`.
   */
  async pause(tenant: string, agent: string): Promise<AgentRecord> {
    const { store, clock } = this.#options;
    const known = await store.getAgent(tenant, agent);
    if (known?.pausedAt !== undefined) return known;
    return await this.#setPaused(tenant, agent, clock.now());
  }

  /**
   * Lets a paused agent go on. May be repeated.
   *
   * @throws {TransporterError} `unknown_agent`, `store_unavailable`.
   */
  async resume(tenant: string, agent: string): Promise<AgentRecord> {
    const record = await this.#setPaused(tenant, agent, undefined);
    this.#options.dispatcher.wake(tenant, agent);
    return record;
  }

  /**
   * Forgets an agent: ends its session, cancels what waits for it, and ends
   * what it has as `failed`, code `interrupted`. An agent of this id that
   * registers later is another one. May be repeated when it fails.
   *
   * @throws {TransporterError} `unknown_agent`, `store_unavailable`.
   */
  async deleteAgent(
    tenant: string,
    agent: string,
    { principal }: Asking,
  ): Promise<void> {
    const { store, agents, sessions, shared } = this.#options;
    const known = await store.getAgent(tenant, agent);
    if (known === undefined) throw unknownAgent(agent);
    const reason = `agent "${agent}" was deleted by "${principal}"`;
    const denied = new TransporterError(
      "denied",
      `Cannot keep the session as ${reason}`,
    );
    await sessions.remove(tenant, agent, denied, async () => {
      // A session elsewhere can do nothing more from here on.
      if (shared) await claim(known, this.#options);
      await this.#endAll(tenant, agent, { principal, reason });
      await store.deleteAgent(tenant, agent);
      agents.forget(tenant, agent);
    });
  }

  /**
   * Reads what an event put out, in the order it came.
   *
   * @param tenant Whose event it is.
   * @param id The event.
   * @param page `after`: the `n` of the last piece that was seen, 0 at first; `limit`: how many at most.
   * @throws {TransporterError} `unknown_event`, `store_unavailable`.
   */
  async logs(
    tenant: string,
    id: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly LogRecord[]> {
    await this.#event(tenant, id);
    return await this.#options.store.listLogs(tenant, id, page);
  }

  async #event(tenant: string, id: string): Promise<EventRecord> {
    const record = await this.#options.store.getEvent(tenant, id);
    if (record === undefined) throw unknownEvent(id);
    return record;
  }

  async #setPaused(
    tenant: string,
    agent: string,
    pausedAt: number | undefined,
  ): Promise<AgentRecord> {
    const { store } = this.#options;
    const record = await store.setPaused(tenant, agent, pausedAt);
    if (record === undefined) throw unknownAgent(agent);
    return record;
  }

  async #endAll(
    tenant: string,
    agent: string,
    { principal, reason }: AskingToCancel,
  ): Promise<void> {
    const { store, recorder, clock } = this.#options;
    const message = `Outcome unknown, as ${reason}`;
    await recorder.interrupted(tenant, agent, { message, final: true });
    for (let after = 0;;) {
      const page = await store.listOpen(tenant, agent, { after, limit: PAGE });
      const now = clock.now();
      await Promise.all(
        page.map(({ spec }) =>
          recorder.change(tenant, spec.id, (record) => {
            const told = false;
            const verdict = cancel(record, { principal, reason, told, now });
            return typeof verdict === "string" ? undefined : verdict;
          })
        ),
      );
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.enq;
    }
  }
}

function tooLate(record: EventRecord, late: TooLate): TransporterError {
  const { state, spec: { id, target_agent: agent } } = record;
  return new TransporterError(
    "too_late",
    late === "ended"
      ? `Cannot cancel event "${id}" as it has ended: it is "${state}"`
      : `Cannot cancel event "${id}" as agent "${agent}" has it and cannot be told: it is "${state}"`,
    { details: { state } },
  );
}
