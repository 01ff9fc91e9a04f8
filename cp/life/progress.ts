import { isRecord } from "@transporter/sdk";
import type {
  EventChange,
  EventRecord,
  LifeNotes,
  ProgressNote,
} from "../store/store.ts";

function without({ progress: _, ...notes }: LifeNotes): LifeNotes {
  return notes;
}

/**
 * Keeps where the objects of an event are, as its agent told last, beside its
 * history, in which only their number stays: a list for each report would fill
 * it. What follows the attempt drops it.
 *
 * @param record Before the change.
 * @param change What the rules of the event's life decided.
 * @returns The change as it is written.
 */
export function withProgress(
  record: EventRecord,
  change: EventChange,
): EventChange {
  const { status } = change;
  const notes = change.notes ?? record.notes;
  const told = status.details?.["progress"];
  if (status.state !== "in_progress" || status.phase === "interrupted") {
    return notes.progress === undefined
      ? change
      : { ...change, notes: without(notes) };
  }
  // `readReport` has given it its shape.
  if (!isRecord(told) || told["objects"] === undefined) return change;
  const progress = told as unknown as ProgressNote;
  const { objects: _, ...counts } = progress;
  return {
    ...change,
    status: { ...status, details: { ...status.details, progress: counts } },
    notes: { ...notes, progress },
  };
}
