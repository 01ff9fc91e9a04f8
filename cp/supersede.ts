import type { Clock } from "@transporter/sdk";
import { cancel, proceed } from "./life.ts";
import type { Recorder } from "./recorder.ts";
import type { EventRecord, Store } from "./store/store.ts";

/** Options of {@linkcode supersede}. */
export interface SupersedeOptions {
  /** Where the agent is looked up. */
  readonly store: Pick<Store, "getAgent">;
  /** Who writes. */
  readonly recorder: Pick<Recorder, "change">;
  /** Where time comes from. */
  readonly clock: Clock;
}

/** What became of an older event, in words for the history of the newer one. */
const OUTCOMES = {
  unknown: "is not known",
  foreign: "is another agent's, and goes on",
  ended: "had ended before",
  started: "had started before, and goes on",
  cancelled: "was cancelled",
} as const;

/**
 * Cancels what an event supersedes, if it has not started, and then lets the
 * event go on, which waited for this. In two steps that may be repeated: should
 * we stop in between, the reaper takes both again, so that never both events
 * are released because nobody looked.
 *
 * @param record The newer event.
 * @param options Where things are.
 * @returns The newer event, as it is then.
 * @throws {TransporterError} `store_unavailable`; call it again then.
 */
export async function supersede(
  record: EventRecord,
  { store, recorder, clock }: SupersedeOptions,
): Promise<EventRecord> {
  const { tenant, spec } = record;
  const { id, supersedes = "", target_agent: agent } = spec;
  const version = (await store.getAgent(tenant, agent))?.linkVersion;
  const now = clock.now();
  let outcome: keyof typeof OUTCOMES = "cancelled";
  const older = await recorder.change(tenant, supersedes, (known) => {
    outcome = "cancelled";
    if (known.spec.target_agent !== agent) {
      outcome = "foreign";
      return undefined;
    }
    const verdict = cancel(known, {
      principal: `event ${id}`,
      reason: `event "${id}" takes its place`,
      details: { superseded_by: id },
      // What its agent has and did not begin, as far as is known, its agent can still leave.
      told: version === 2 && known.state === "assigned",
      now,
    });
    if (typeof verdict !== "string") return verdict;
    outcome = verdict;
    return undefined;
  });
  if (older === undefined) outcome = "unknown";
  const message = `Event "${supersedes}", which it supersedes, ${
    OUTCOMES[outcome]
  }`;
  const step = await recorder.change(
    tenant,
    id,
    (known) => proceed(known, { message, now: clock.now() }),
  );
  return step?.record ?? record;
}
