import type { ResourceStatus } from "@transporter/sdk";
import type { Change } from "./change.ts";
import type { FieldChange } from "./field_changes.ts";
import { describeObject, type Manifest } from "./manifest.ts";

/**
 * What became of an object. `drifted` and `missing`: a check found it so;
 * `unknown`: the attempt ended while the API server
 * was asked; `unverifiable`: a dry run cannot ask for it, as it needs what the
 * same event makes.
 */
export type ObjectOutcome =
  | Change
  | "deleted"
  | "skipped"
  | "found"
  | "drifted"
  | "missing"
  | "unverifiable"
  | "failed"
  | "unknown"
  | "not_attempted";

/** What became of an object, in upstream's shape and a little more. */
export interface ObjectResult extends ResourceStatus {
  /** What became of it. */
  readonly status: ObjectOutcome;
  /** The object's life. */
  readonly uid?: string;
  /** The write that it was left with. */
  readonly resource_version?: string;
  /** How long was worked on it, in nanoseconds; of a delete also until it was gone. */
  readonly duration?: number;
  /** How long after that it was seen ready, in nanoseconds, if it was waited for. */
  readonly ready_after?: number;
  /** The paths of the fields that changed, when it was configured. */
  readonly changed_fields?: readonly string[];
  /** What stands at the paths of a `get`; `null` when nothing does. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** How it differs, for `diff` and `check`; the values of Secrets are HMACs, long ones are cut. */
  readonly changes?: readonly FieldChange[];
}

/** What an event did to the cluster. */
export interface BundleResult {
  /** One entry for each object, in the order of the manifests. */
  readonly resource_status: readonly ObjectResult[];
  /** What the API server and we warn of. */
  readonly warnings?: readonly string[];
}

/**
 * One entry of a result.
 *
 * @param object Which object.
 * @param status What became of it.
 * @param message Why, for people.
 */
export function resultOf(
  object: Manifest,
  status: ObjectOutcome,
  message: string,
): ObjectResult {
  return {
    kind: object.kind,
    name: object.name,
    namespace: object.namespace,
    api_version: object.apiVersion,
    status,
    message,
  };
}

/** Names an object and what happened to it, or would: `Deployment "web" is created`. */
export function describeChange(
  object: Manifest,
  change: Change,
  { dryRun }: { readonly dryRun: boolean },
): string {
  return `${describeObject(object)} ${dryRun ? "would be" : "is"} ${change}`;
}

/** The same result, with more warnings. */
export function withWarnings(
  result: BundleResult,
  more: readonly string[],
): BundleResult {
  if (more.length === 0) return result;
  return { ...result, warnings: [...result.warnings ?? [], ...more] };
}
