import { isRecord } from "@transporter/sdk";

/** Whether an object is what it is meant to become. */
export interface Readiness {
  /** It is. */
  readonly ready: boolean;
  /** It cannot become so any more; or another event has changed it, so that this one cannot tell. */
  readonly failed?: true | "conflict";
  /** It is taken for ready although nothing in it says so; people are told. */
  readonly unchecked?: true;
  /** It waits for a volume, unless this StorageClass makes volumes only once a Pod uses them. */
  readonly storageClass?: string;
  /** Why, for people. */
  readonly reason: string;
}

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object of the API, as JSON. */
export interface Parts {
  /** Its `metadata`. */
  readonly metadata: Fields;
  /** Its `spec`. */
  readonly spec: Fields;
  /** Its `status`. */
  readonly status: Fields;
}

/** Says of an object of one kind whether it is ready. */
export type Rule = (parts: Parts) => Readiness;

/** The value, or an empty object in place of anything else. */
export function recordOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

/** The objects in a list, or none in place of anything else. */
export function recordsOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** The value, or another in place of anything that is no number. */
export function numberOf(value: unknown, otherwise = 0): number {
  return typeof value === "number" ? value : otherwise;
}

/** It is not ready yet. */
export function waits(reason: string): Readiness {
  return { ready: false, reason };
}

/** It will never be ready. */
export function fails(reason: string): Readiness {
  return { ready: false, failed: true, reason };
}

/** It is ready. */
export function isReady(reason = "it is ready"): Readiness {
  return { ready: true, reason };
}

/** It counts as ready, and nobody knows whether it is. */
export function unchecked(reason: string): Readiness {
  return { ready: true, unchecked: true, reason };
}

/**
 * A condition by its type, when it has this status; whatever its status is
 * unless one is given.
 *
 * @see {@link https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties}
 */
export function conditionOf(
  status: Fields,
  type: string,
  value?: string,
): Fields | undefined {
  return recordsOf(status.conditions).find((each) =>
    each.type === type && (value === undefined || each.status === value)
  );
}

/** What a condition says, for people. */
export function messageOf(condition: Fields): string {
  return String(condition.message || condition.reason || condition.type);
}

/** Whether the status is about an older state of the object. */
export function isUnseen({ metadata, status }: Parts): boolean {
  return numberOf(status.observedGeneration) < numberOf(metadata.generation);
}

/** See {@linkcode isUnseen}. */
export const UNSEEN: Readiness = waits("its controller has not seen it yet");
