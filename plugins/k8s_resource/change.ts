import { isDeepStrictEqual } from "node:util";
import { isRecord, parseTime } from "@transporter/sdk";

/** Who our changes are by: the field manager of every apply. */
export const FIELD_MANAGER = "transporter";

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
  /** What our applies own, and since when. */
  readonly owned: OwnedFields | undefined;
}

/** The entry of our field manager. @see {@link https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management} */
export interface OwnedFields {
  /** When an apply of ours last changed something, RFC 3339 in whole seconds. */
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
  /** When the server answered, by its own clock: its `Date` header, in milliseconds since 1970; NaN when it has none. */
  readonly answeredAt: number;
  /** How long all tries took together, in milliseconds. */
  readonly tookMs: number;
  /** Whether a try before the last one may have been done. */
  readonly uncertain: boolean;
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
  const entries = Array.isArray(metadata.managedFields)
    ? metadata.managedFields
    : [];
  const own = entries.filter(isRecord).find((entry) =>
    entry.manager === FIELD_MANAGER && entry.operation === "Apply" &&
    !entry.subresource
  );
  return {
    uid: textOf(metadata.uid),
    resourceVersion: textOf(metadata.resourceVersion),
    creationTimestamp: textOf(metadata.creationTimestamp),
    deletionTimestamp: textOf(metadata.deletionTimestamp),
    finalizers: Array.isArray(metadata.finalizers)
      ? metadata.finalizers.map(String)
      : [],
    owned: own && { time: textOf(own.time), fields: own.fieldsV1 },
  };
}

/** What people mean by the object: not the server's bookkeeping, nor what controllers report. */
function essence(object: LiveObject): unknown {
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  return {
    ...object,
    status: undefined,
    metadata: {
      ...metadata,
      managedFields: undefined,
      resourceVersion: undefined,
    },
  };
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
  if (status === 201) return "created";
  const { owned, creationTimestamp } = metadataOf(after);
  const changedAt = parseTime(owned?.time ?? "") ?? NaN;
  if (changedAt < answeredAt - tookMs - SLACK_MS) return "unchanged";
  if (before === undefined) {
    return uncertain && owned?.time === creationTimestamp
      ? "created"
      : "configured";
  }
  if (before === null) return uncertain ? "created" : "configured";
  return isDeepStrictEqual(essence(before), essence(after))
    ? "unchanged"
    : "configured";
}
