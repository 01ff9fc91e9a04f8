import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import {
  type Change,
  type LiveObject,
  type Metadata,
  metadataOf,
} from "./change.ts";
import type { CallOptions } from "./client.ts";
import type { Success } from "./success.ts";
import type { Cluster } from "./cluster.ts";
import { describeConflicts } from "./conflict.ts";
import { isSecret } from "./is_secret.ts";
import { describeObject } from "./manifest.ts";
import type { Options } from "./event_options.ts";
import type { ObjectStates } from "./object_states.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { describeChange, resultOf } from "./result.ts";
import type { ApiRequest } from "./transport.ts";
import type { Verdict } from "./verdict.ts";

/** What an apply of one object needs. */
export interface ApplyContext {
  /** The cluster. */
  readonly cluster: Cluster;
  /** The event's. */
  readonly context: ExecutorContext;
  /** How. */
  readonly options: Options;
  /** When to stop trying again, in milliseconds since 1970. */
  readonly until: number;
  /** Where to note how far it is with each object. */
  readonly states: ObjectStates;
}

/** The parameters of a write. @see {@link https://kubernetes.io/docs/reference/using-api/server-side-apply/} */
export function queryOf(options: Options): URLSearchParams {
  return new URLSearchParams({
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
    ...(options.dryRun ? { dryRun: "All" } : {}),
  });
}

/** Only what tells whether an object changed; a CRD of a megabyte need not be read for that. */
export const METADATA_ONLY =
  "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/**
 * How long a namespace of another event may be missing, in milliseconds:
 * events that were sent one after the other run side by side.
 */
const NAMESPACE_GRACE_MS = 5_000;

/** Changed fields that are named for an object. */
export const FIELDS_MAX = 50;

/** Between two looks at an object that is going away, in milliseconds. */
const GONE_INTERVAL_MS = 250;

/** What is missing may be on its way: made by the same event, or by one just before it. */
function reviewer(
  object: PlannedObject,
  { cluster, options }: ApplyContext,
): NonNullable<CallOptions["review"]> {
  return (verdict: Verdict, since: number): Verdict => {
    const makesNothing = options.dryRun || options.operation === "patch";
    if (makesNothing && isDeclared(object, verdict)) {
      return { ...verdict, transient: false, missing: "object" }; // it is not going to come
    }
    if (verdict.leaving && options.dryRun) {
      return { ...verdict, transient: false }; // who only asks has nothing to wait for
    }
    if (verdict.missing === "namespace") {
      const young = cluster.clock.now() - since < NAMESPACE_GRACE_MS;
      return { ...verdict, transient: object.namespaceDeclared || young };
    }
    if (verdict.conflicts !== undefined && verdict.conflicts.length > 0) {
      return {
        ...verdict,
        reason: describeConflicts(verdict.conflicts, object.body),
      };
    }
    if (verdict.missing === "kind") {
      cluster.discovery.forget();
      return { ...verdict, transient: object.kindDeclared };
    }
    if (verdict.code === "conflict" && object.pinned) {
      return { ...verdict, transient: false, ...staleReason(object, verdict) };
    }
    return isSecret(object)
      ? { ...verdict, reason: withoutValues(verdict.reason) }
      : verdict;
  };
}

/** What is said of a manifest that is for another version of the object than there is. */
function staleReason(
  { unpinned }: PlannedObject,
  { reason, leaving }: Verdict,
): Pick<Verdict, "reason"> {
  const isOwn = unpinned !== undefined; // the version is not from the manifest
  return {
    reason: isOwn || leaving
      ? reason
      : `${reason}; take "resourceVersion" and "uid" out of the manifest's metadata to apply it to whatever is there`,
  };
}

/** What is missing is made by the same event. */
function isDeclared(
  object: PlannedObject,
  { missing }: Pick<Verdict, "missing">,
): boolean {
  return missing === "namespace" && object.namespaceDeclared ||
    missing === "kind" && object.kindDeclared;
}

/** The server quotes a value of the wrong type; a Secret's must not get into reports. */
function withoutValues(reason: string): string {
  return reason.replace(/, got [^\n]*/g, ", got something else");
}

/** Limits of calls that are tried again; a reason to wait is reported once. */
export function retrying(
  doing: string,
  { context, until }: Pick<ApplyContext, "context" | "until">,
  note: (reason: string) => void = () => {},
): CallOptions {
  let reported = "";
  return {
    doing,
    signal: context.signal,
    until,
    async onRetry(reason) {
      if (reason === reported) return;
      reported = reason;
      note(reason);
      await context.report(`Trying again to ${doing}: ${reason}`);
    },
  };
}

/** Limits of the calls for one object, by what is done with it. */
export function limitsOf(
  object: PlannedObject,
  apply: ApplyContext,
  verb: "apply" | "patch" | "read" = "apply",
): CallOptions {
  return {
    ...retrying(
      `${verb} ${describeObject(object)}`,
      apply,
      (reason) => apply.states.note(object, `tried again: ${reason}`),
    ),
    review: reviewer(object, apply),
  };
}

/** Without its namespace or its kind an object is not there either. */
export function missingAsObject(verdict: Verdict): Verdict {
  return verdict.missing ? { ...verdict, missing: "object" } : verdict;
}

/** The object as it is; `null` when it is not there, `undefined` when we may not read it. */
export async function look(
  request: ApiRequest,
  limits: CallOptions,
  { cluster }: ApplyContext,
): Promise<LiveObject | null | undefined> {
  try {
    const found = await cluster.client.find(request, {
      ...limits,
      review: missingAsObject,
    });
    return found === undefined ? null : found.body;
  } catch (error) {
    // Who may apply need not be allowed to read; then the answer has to tell.
    if (error instanceof TransporterError && error.code === "denied") {
      return undefined;
    }
    throw error;
  }
}

/** An object that is being deleted takes an apply, and vanishes all the same: wait until it is gone. */
export async function waitUntilGone(
  object: PlannedObject,
  metadata: Metadata,
  apply: ApplyContext,
): Promise<void> {
  const { cluster, context, until, states } = apply;
  const limits = limitsOf(object, apply);
  const held = metadata.finalizers.map((name) => `"${name}"`).join(", ");
  const why = `it is being deleted${
    held ? `, and held by the finalizers ${held}` : ""
  }`;
  states.note(object, why);
  await context.report(`Waiting to apply ${describeObject(object)}: ${why}`);
  for (;;) {
    const request: ApiRequest = {
      method: "GET",
      path: object.path,
      accept: METADATA_ONLY,
    };
    const found = await look(request, limits, apply);
    if (found === null || (found && metadataOf(found).uid !== metadata.uid)) {
      return;
    }
    if (cluster.clock.now() + GONE_INTERVAL_MS >= until) {
      throw new TransporterError(
        "not_ready",
        `Cannot apply ${describeObject(object)}: ${why}`,
      );
    }
    await cluster.clock.sleep(GONE_INTERVAL_MS, { signal: context.signal });
  }
}

/** Sends a write; `undefined` when it is a dry run that cannot ask, as what the object needs is made by the same event. */
export async function sendWrite(
  request: ApiRequest,
  limits: CallOptions,
  { cluster: { client }, options }: ApplyContext,
): Promise<Success | undefined> {
  return options.dryRun
    ? await client.find(request, limits)
    : await client.call(request, limits);
}

/** What is said about an object that {@linkcode sendWrite} could not ask for. */
export function unverifiable(object: PlannedObject): Done {
  const why = `${
    describeObject(object)
  } cannot be tried before its namespace or its kind, which this event makes, is there`;
  return { result: resultOf(object, "unverifiable", why) };
}

/** What is said about an object that was applied or created. */
export function appliedOf(
  object: PlannedObject,
  done: {
    readonly change: Change;
    readonly metadata: Metadata | undefined;
    readonly warnings: readonly string[] | undefined;
    readonly fields?: readonly string[];
    readonly notes?: readonly string[];
    readonly dryRun: boolean;
  },
): Done {
  const { change, metadata, warnings = [], fields = [], notes = [], dryRun } =
    done;
  const more = fields.length - FIELDS_MAX;
  return {
    result: {
      ...resultOf(object, change, describeChange(object, change, { dryRun })),
      ...(metadata === undefined ? {} : {
        uid: metadata.uid,
        ...(dryRun ? {} : { resource_version: metadata.resourceVersion }),
      }),
      ...(fields.length === 0 ? {} : {
        changed_fields: [
          ...fields.slice(0, FIELDS_MAX),
          ...(more > 0 ? [`and ${more} more`] : []),
        ],
      }),
    },
    warnings: [
      ...notes,
      ...warnings.map((warning) => `${describeObject(object)}: ${warning}`),
    ],
  };
}
