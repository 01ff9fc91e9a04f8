import { type BacklogFrame, type Clock, formatTime } from "@transporter/sdk";
import type { Store } from "./store/store.ts";

/** What an agent is told of what waits for it. */
export type Backlog = Omit<BacklogFrame, "type">;

/** Options of {@linkcode Questions}. */
export interface QuestionsOptions {
  /** Where it stands what waits for its time, and who is paused. */
  readonly store: Pick<Store, "getAgent" | "nextReadyAt">;
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** One agent that asks what waits for it; the last question counts. */
export class Questions {
  readonly #options: QuestionsOptions;
  #open:
    | { readonly at: number; readonly tell: (backlog: Backlog) => void }
    | undefined;

  /** Makes one that nobody has asked. */
  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Whether an answer is owed. */
  get open(): boolean {
    return this.#open !== undefined;
  }

  /** The agent asks. */
  ask(tell: (backlog: Backlog) => void): void {
    this.#open = { at: this.#options.clock.now(), tell };
  }

  /**
   * Answers; does nothing when nobody asks.
   *
   * @param waiting Whether anything is on its way, or ready to be.
   * @throws {TransporterError} `store_unavailable`; the question stays open then.
   */
  async answer(waiting: boolean): Promise<void> {
    const { store, tenant, agent } = this.#options;
    const question = this.#open;
    if (question === undefined) return;
    const { pausedAt } = await store.getAgent(tenant, agent) ?? {};
    // What has become ready since the question came is told as such: the agent asks again.
    const readyAt = await store.nextReadyAt(tenant, agent, question.at);
    if (this.#open === question) this.#open = undefined;
    question.tell({
      waiting,
      ...(pausedAt === undefined ? {} : { paused: true }),
      ...(readyAt === undefined ? {} : { ready_at: formatTime(readyAt) }),
    });
  }
}
