import {
  CLOUD_EVENT_TELLS,
  type CloudEvent,
  type EventResult,
  isTerminal,
} from "@transporter/sdk";
import { streamStatus } from "./http/view.ts";
import type { Change, EventRecord } from "./store/store.ts";

/** Characters of the data of a result; brokers take messages of 1 MiB. */
const DATA_CHARS_MAX = 256 * 1024;

/** Whether a change is the end of an event. */
export function isResult({ entry }: Pick<Change, "entry">): boolean {
  return isTerminal(entry.state);
}

/**
 * Makes the CloudEvent that tells how an event ended. Its id is the event's
 * and the revision: an event that somebody runs once more ends twice.
 *
 * @param change The end.
 * @param record The event as it is now; `undefined` when it is not kept any more.
 */
export function resultEvent(
  change: Change,
  record: EventRecord | undefined,
): CloudEvent {
  const { entry, tenant, agent, type } = change;
  const { event_id: id, revision, state, timestamp, attempt } = entry;
  const isNewest = record?.revision === revision;
  const result = entry.result ?? (isNewest ? record.result : undefined);
  const data = {
    ...streamStatus(change),
    ...(record === undefined ? {} : {
      labels: record.spec.labels,
      created_by: record.spec.created_by,
    }),
    ...(result === undefined ? {} : { result }),
  };
  const traceparent = record?.spec.traceparent;
  return {
    specversion: "1.0",
    id: `${id}.${revision}`,
    source: `urn:transporter:${tenant}:agent:${agent}`,
    type: CLOUD_EVENT_TELLS + state,
    subject: id,
    time: timestamp,
    datacontenttype: "application/json",
    extensions: {
      eventtype: type,
      targetagent: agent,
      // Texts that sort as the numbers do.
      sequence: String(change.change).padStart(16, "0"),
      ...(attempt === undefined ? {} : { attempt }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    data: JSON.stringify(data).length <= DATA_CHARS_MAX
      ? data
      : { ...data, details: null, result: cut(result), result_cut: true },
  };
}

/** What fits of a result: without what became of each object. */
function cut(result: EventResult | null | undefined): unknown {
  if (!result) return null;
  const { success, error_message, completed_at, duration } = result;
  return { success, error_message, completed_at, duration };
}
