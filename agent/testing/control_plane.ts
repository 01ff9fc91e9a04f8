import {
  type Clock,
  type EventSpec,
  type EventStatus,
  type InventoryItem,
  isTerminal,
  type RegistrationFrame,
  type StatusUpdateFrame,
  systemClock,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { TestSession } from "./test_session.ts";

/** Makes an event for a test. */
export function specOf(id: string, rest: Partial<EventSpec> = {}): EventSpec {
  return {
    id,
    type: "witness",
    target_agent: "edge",
    payload: {},
    created_at: "2026-11-23T05:04:27Z",
    created_by: "test",
    ttl: 3600e9,
    priority: 0,
    labels: {},
    ...rest,
  };
}

/** An event as the control plane of a test keeps it. */
export interface KeptEvent {
  readonly spec: EventSpec;
  /** The attempt that is released, or is to be. */
  attempt: number;
  /** Its number in the stream; 0 before its release. */
  seq: number;
  /** Whether the agent has acknowledged it. */
  acknowledged: boolean;
  /** Whether it is not wanted any more. */
  cancelled: boolean;
  readonly statuses: EventStatus[];
  end: EventStatus | undefined;
}

/**
 * The least that is a control plane of version 2, for tests that need one that
 * answers: keeps events until their end, sends them again over each new link,
 * makes a new attempt after an interruption that may be repeated, and forgets
 * nothing. It obeys credits, and takes stock of the agent at each registration.
 * What it knows survives its links.
 */
export class TestControlPlane {
  readonly events = new Map<string, KeptEvent>();
  readonly registrations: RegistrationFrame[] = [];
  /** What the agent refused, by id. */
  readonly refused = new Map<string, string>();
  /** What an agent must not have said. */
  readonly problems: string[] = [];
  /** Called when an event has ended. */
  onEnd: (id: string) => void = () => {};
  /** Events that may be in hand at the agent. */
  window = 8;
  statusUpto = 0;
  /** The number that the next event gets. */
  nextSeq = 1;
  /** How many sessions there were. */
  gen = 0;
  readonly #clock: Clock;
  #session: TestSession | undefined;
  #waiters: (() => void)[] = [];

  /** Makes one without events. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Accepts an event. */
  submit(spec: EventSpec): void {
    this.events.set(spec.id, {
      spec,
      attempt: 1,
      seq: 0,
      acknowledged: false,
      cancelled: false,
      statuses: [],
      end: undefined,
    });
    this.#session?.release();
  }

  /** Does not want an event any more, which ends at once if its agent never got it. */
  cancel(id: string): void {
    const event = this.events.get(id);
    if (event === undefined || event.end !== undefined) return;
    event.cancelled = true;
    if (event.seq === 0) this.endCancelled(event);
    else this.#session?.cancel(event);
  }

  /** Resolves when something is so; looks after each change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Whether every event has ended. */
  get done(): boolean {
    return [...this.events.values()].every(({ end }) => end !== undefined);
  }

  /** Serves one link until it ends, or breaks. */
  async serve(wire: Wire): Promise<void> {
    const session = new TestSession(this, { wire, clock: this.#clock });
    this.#session = session;
    try {
      await session.run();
    } catch (reason) {
      if (TransporterError.from(reason).code !== "unavailable") throw reason;
    } finally {
      this.changed();
    }
  }

  /** Takes a status; for the session. */
  note(event: KeptEvent, frame: StatusUpdateFrame): void {
    const { type: _, ...status } = frame;
    event.statuses.push(status);
    if (event.end !== undefined || status.attempt !== event.attempt) return;
    if (isTerminal(status.state)) return this.#end(event, status);
    if (status.phase !== "interrupted") return;
    if (event.cancelled || status.details?.["repeatable"] !== true) {
      return this.#end(event, status);
    }
    event.attempt++;
    event.seq = 0;
    event.acknowledged = false;
  }

  /** Ends an event that its agent does not have; for the session. */
  endCancelled({ spec, attempt }: Pick<KeptEvent, "spec" | "attempt">): void {
    const event = this.events.get(spec.id);
    if (event === undefined || event.end !== undefined) return;
    this.#end(event, {
      event_id: spec.id,
      agent_id: "",
      state: "cancelled",
      message: "",
      timestamp: "",
      attempt,
    });
  }

  /** Compares what an agent remembers with what it has said before; for the session. */
  check(said: readonly KeptEvent[], items: readonly InventoryItem[]): void {
    const known = new Map(items.map((item) => [item.event_id, item]));
    for (const { spec: { id }, attempt, acknowledged, end } of said) {
      const item = known.get(id);
      const has = item !== undefined && item.attempt >= attempt;
      if (acknowledged && !has) this.problems.push(`"${id}" is forgotten`);
      if (!has || end === undefined || end.agent_id === "") continue;
      if (item.attempt === attempt && item.finished_at === undefined) {
        this.problems.push(`the end of "${id}" is forgotten`);
      }
    }
  }

  /** Something is so now; for the session. */
  changed(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #end(event: KeptEvent, status: EventStatus): void {
    event.end = status;
    this.onEnd(event.spec.id);
  }
}
