import { isDeepStrictEqual } from "node:util";
import { isRecord, parseTime } from "@transporter/sdk";
import { essenceOf } from "./field_changes.ts";
import { type Fields, recordOf, recordsOf } from "./ready_parts.ts";

/** What an apply did to an object. */
export type Change = "created" | "configured" | "unchanged";

/** What of an object's metadata tells whether it changed. */
export interface Metadata {
  /** The object's life. */
  readonly uid: string;
  /** Changes with each write. */
  readonly resourceVersion: string;
  /** When it was created, RFC 3339. */
  readonly creationTimestamp: string;
  /** When somebody asked to delete it; empty when nobody did. */
  readonly deletionTimestamp: string;
  /** What keeps it from going. */
  readonly finalizers: readonly string[];
}

/** The entry of a field manager. @see {@link https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management} */
export interface OwnedFields {
  /** When an apply of it last changed something, RFC 3339 in whole seconds. */
  readonly time: string;
  /** Which fields. */
  readonly fields: unknown;
}

/** An object of the API, as JSON. */
export type LiveObject = Readonly<Record<string, unknown>>;

/** What {@linkcode changeOf} judges. */
export interface ApplyOutcome {
  /** The HTTP status of the apply. */
  readonly status: number;
  /** The object as the apply left it. */
  readonly after: LiveObject;
  /** The object before: `null`, it was not there; `undefined`, nobody looked. */
  readonly before: LiveObject | null | undefined;
  /** Whose apply it was. */
  readonly manager: string;
  /** When the server answered, by its own clock: its `Date` header, in milliseconds since 1970; NaN when it has none. */
  readonly answeredAt: number;
  /** How long all tries took together, in milliseconds. */
  readonly tookMs: number;
  /** Whether a try before the last one may have been done. */
  readonly uncertain: boolean;
  /** Whether a try before it was looked at may have made it. */
  readonly maybeMade?: boolean;
}

/** Both times are cut to whole seconds, and two servers' clocks may differ a little, in milliseconds. */
const SLACK_MS = 2_000;

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Reads an object's metadata. */
export function metadataOf(
  object: Readonly<Record<string, unknown>>,
): Metadata {
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  return {
    uid: textOf(metadata.uid),
    resourceVersion: textOf(metadata.resourceVersion),
    creationTimestamp: textOf(metadata.creationTimestamp),
    deletionTimestamp: textOf(metadata.deletionTimestamp),
    finalizers: Array.isArray(metadata.finalizers)
      ? metadata.finalizers.map(String)
      : [],
  };
}

/** Who owns which fields of an object, an entry for each manager and way of writing. */
export function managedFieldsOf({ metadata }: LiveObject): readonly Fields[] {
  return recordsOf(recordOf(metadata).managedFields);
}

/** Whether an entry is of a manager's applies of the object itself. */
export function isApplyOf(manager: string, entry: Fields): boolean {
  return entry.manager === manager && entry.operation === "Apply" &&
    !entry.subresource;
}

/** What the applies of a manager own of an object. */
export function ownedBy(
  object: LiveObject,
  manager: string,
): OwnedFields | undefined {
  const own = managedFieldsOf(object).find((entry) =>
    isApplyOf(manager, entry)
  );
  return own && { time: textOf(own.time), fields: own.fieldsV1 };
}

/**
 * What an apply did. The server sets the time of our entry in `managedFields`
 * when the apply changes anything, and leaves it alone when it does not, so
 * that an old time means that nothing changed, whoever else wrote meanwhile. A
 * time of just now means that it did, unless an apply a moment ago set it:
 * then the object is compared with what it was before.
 *
 * @param outcome The answer, and what is known from before.
 */
export function changeOf(outcome: ApplyOutcome): Change {
  const { status, after, before, uncertain, answeredAt, tookMs } = outcome;
  if (status === 201 || before === null && uncertain) return "created";
  const { creationTimestamp } = metadataOf(after);
  const owned = ownedBy(after, outcome.manager);
  const begunAt = answeredAt - tookMs - SLACK_MS;
  const changedAt = parseTime(owned?.time ?? "") ?? NaN;
  if (changedAt < begunAt) return "unchanged";
  const madeAt = parseTime(creationTimestamp) ?? NaN;
  if (outcome.maybeMade && madeAt >= begunAt) return "created";
  if (before === undefined) {
    return uncertain && owned?.time === creationTimestamp
      ? "created"
      : "configured";
  }
  if (before === null) return "configured";
  return isDeepStrictEqual(essenceOf(before), essenceOf(after))
    ? "unchanged"
    : "configured";
}
