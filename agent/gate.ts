import {
  type Clock,
  type EventSpec,
  retryAfterMs,
  TransporterError,
} from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import type { Journal } from "./journal.ts";
import type { Places } from "./places.ts";
import type { Runner } from "./runner.ts";

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  /** Whether there is room to note something new. */
  readonly journal: Pick<Journal, "refusal">;
  /** How much is in hand. */
  readonly runner: Pick<Runner, "crowded">;
  /** Whether the time is believed. */
  readonly controlPlaneClock: Pick<ControlPlaneClock, "fault">;
  /** Whether it is known where the agent works. */
  readonly places: Pick<Places, "fault">;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** What is asked of an event. */
type RefusedEvent = Pick<EventSpec, "type" | "concurrency_key">;

/** What was refused for now, and what comes behind it likewise. */
interface Refused {
  readonly error: TransporterError;
  readonly until: number;
  /** The keys of such events that name one: what shares it is not let past them. */
  readonly keys: ReadonlySet<string>;
}

/** Stands for all types: what is wrong is wrong for any event. */
const ANY = "";

/**
 * Says whether a new event is taken now. Once one was refused for now, so is
 * what comes behind it on the same link until it may come again: it was
 * released later, and would overtake the other one if the link broke before the
 * control plane heard of the refusal. What is wrong with one type holds up
 * events of that type, and those with a `concurrency_key` of one of them.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #refused = new Map<string, Refused>();

  /** Makes one that has refused nothing. */
  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** A new link begins: what was refused comes again, in its place. */
  reopen(): void {
    this.#refused.clear();
  }

  /**
   * Why the next new event is not taken; `undefined` when it is.
   *
   * @param event Which.
   * @param comesAgain Whether the control plane sends it again later; one of version 1 does not.
   */
  refusal(
    { type, concurrency_key: key }: RefusedEvent,
    comesAgain: boolean,
  ): TransporterError | undefined {
    const error = this.#reason(type);
    if (!comesAgain) return error;
    const now = this.#options.clock.monotonic();
    if (error === undefined) return this.#behind({ type, key }, now);
    const isOfType = error.details?.["type_only"] === true;
    const until = now + (retryAfterMs(error) ?? 0);
    this.#note(isOfType ? type : ANY, { error, until, key });
    return error;
  }

  #note(
    type: string,
    { key, ...refused }: Pick<Refused, "error" | "until"> & {
      readonly key: string | undefined;
    },
  ): void {
    const keys = new Set(this.#refused.get(type)?.keys);
    if (key !== undefined) keys.add(key);
    this.#refused.set(type, { ...refused, keys });
  }

  /** Why an event has to wait for one that was refused. */
  #behind(
    { type, key }: { readonly type: string; readonly key: string | undefined },
    now: number,
  ): TransporterError | undefined {
    for (const [of, { error: cause, until, keys }] of this.#refused) {
      if (until <= now) {
        this.#refused.delete(of);
        continue;
      }
      const isBehind = of === ANY || of === type || keys.has(key ?? "");
      if (!isBehind) continue;
      if (of !== ANY) this.#note(of, { error: cause, until, key });
      return new TransporterError(
        cause.code,
        "Cannot take the event before one that was refused a moment ago",
        {
          cause,
          details: {
            retry_after_ms: Math.ceil(until - now),
            ...(of === ANY ? {} : { type_only: true }),
          },
        },
      );
    }
    return undefined;
  }

  #reason(type: string): TransporterError | undefined {
    const { controlPlaneClock, places, journal, runner } = this.#options;
    const reason = controlPlaneClock.fault ?? journal.refusal() ??
      places.fault(type);
    if (reason !== undefined || !runner.crowded) return reason;
    return new TransporterError(
      "exhausted",
      "Cannot take the event as too many are in hand already",
      { details: { retry_after_ms: 10_000 } },
    );
  }
}
