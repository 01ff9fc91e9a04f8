import { isRecord, TransporterError } from "@transporter/sdk";
import { deletedForeign } from "./adopt.ts";
import { type ApplyContext, retrying } from "./apply_calls.ts";
import { type LiveObject, metadataOf } from "./change.ts";
import type { CallOptions } from "./client.ts";
import { liveDirectiveWarnings } from "./directives.ts";
import type { Success } from "./success.ts";
import { describeObject } from "./manifest.ts";
import type { Propagation } from "./options.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { recordOf } from "./ready_parts.ts";
import { resultOf } from "./result.ts";
import type { ApiRequest } from "./transport.ts";

/** Between two looks at an object that is going away, in milliseconds: at first, and after a while. */
const INTERVAL_MS = { first: 100, last: 2_000, growth: 1.5 } as const;

/** The API's names. @see {@link https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion} */
const POLICIES: Readonly<Record<Propagation, string>> = {
  background: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
};

/** The conditions by which a namespace says what keeps it. @see {@link https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/namespace-v1/} */
const NAMESPACE_CONDITIONS: ReadonlySet<unknown> = new Set([
  "NamespaceDeletionDiscoveryFailure",
  "NamespaceDeletionGroupVersionParsingFailure",
  "NamespaceDeletionContentFailure",
  "NamespaceContentRemaining",
  "NamespaceFinalizersRemaining",
]);

/** Has an object deleted only as it was seen. */
export interface OnlyIf {
  /** How it was seen. */
  readonly seen: LiveObject;
  /** Why it stays as it is now, for people; `undefined` when it may be deleted. */
  stays(live: LiveObject): string | undefined;
  /** Called before each try; throws when it must not be deleted any more. */
  confirm(): Promise<void>;
}

function limitsOf(object: PlannedObject, apply: ApplyContext): CallOptions {
  return {
    ...retrying(
      `delete ${describeObject(object)}`,
      apply,
      (reason) => apply.states.note(object, `tried again: ${reason}`),
    ),
    review(verdict) {
      // Without its namespace or, when the event takes that away, its kind there is no object either.
      if (
        verdict.missing === "namespace" ||
        verdict.missing === "kind" && object.kindDeclared
      ) return { ...verdict, transient: false, missing: "object" };
      if (verdict.missing === "kind") apply.cluster.discovery.forget();
      // Only what we looked at is deleted; the precondition does not hold later on either.
      return verdict.code === "conflict"
        ? { ...verdict, transient: false }
        : verdict;
    },
  };
}

/** What keeps an object that is being deleted; empty when it does not say. */
function heldBy(object: LiveObject): string {
  const status = isRecord(object.status) ? object.status : {};
  const conditions = Array.isArray(status.conditions) ? status.conditions : [];
  const said = conditions.filter(isRecord)
    .filter(({ type, status }) =>
      NAMESPACE_CONDITIONS.has(type) && status === "True"
    )
    .map(({ type, message }) => `${type}: ${message}`);
  const { finalizers } = metadataOf(object);
  const held = finalizers.length === 0
    ? []
    : [`it is held by the finalizers ${
      finalizers.map((name) => `"${name}"`).join(", ")
    }`];
  return [...said, ...held].join("; ");
}

/** Waits until the object of this uid is gone, and tells what keeps it each time that changes. */
async function waitUntilGone(
  object: PlannedObject,
  uid: string,
  apply: ApplyContext,
): Promise<void> {
  const { cluster, context, until, states } = apply;
  const limits = limitsOf(object, apply);
  const what = describeObject(object);
  let intervalMs: number = INTERVAL_MS.first;
  let reported = "";
  for (;;) {
    const found = await cluster.client.find(
      { method: "GET", path: object.path },
      limits,
    );
    if (found === undefined || metadataOf(found.body).uid !== uid) return;
    const why = heldBy(found.body) || "it is being deleted";
    if (cluster.clock.now() + intervalMs >= until) {
      throw new TransporterError(
        "not_ready",
        `Cannot see ${what} gone in time: ${why}`,
      );
    }
    if (why !== reported) {
      states.note(object, why);
      await context.report(`Waiting until ${what} is gone: ${why}`);
    }
    reported = why;
    await cluster.clock.sleep(intervalMs, { signal: context.signal });
    intervalMs = Math.min(INTERVAL_MS.last, intervalMs * INTERVAL_MS.growth);
  }
}

/**
 * Asks to delete an object as it was looked at; `undefined` when it is not
 * there, `null` when that does not hold any more.
 */
async function remove(
  object: PlannedObject,
  before: LiveObject,
  apply: ApplyContext,
  onlyIf: OnlyIf | undefined,
): Promise<Success | undefined | null> {
  const { client, clock } = apply.cluster;
  const { propagation, dryRun } = apply.options;
  const { uid, resourceVersion } = metadataOf(before);
  const limits = limitsOf(object, apply);
  let changed = false;
  return await client.find({
    method: "DELETE",
    path: object.path,
    contentType: "application/json",
    body: JSON.stringify({
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: POLICIES[propagation],
      preconditions: {
        uid,
        ...(onlyIf === undefined ? {} : { resourceVersion }),
      },
      ...(dryRun ? { dryRun: ["All"] } : {}),
    }),
  }, {
    ...limits,
    ...(onlyIf && { beforeTry: () => onlyIf.confirm() }),
    review(verdict, since) {
      changed = onlyIf !== undefined && verdict.conflicts !== undefined && // 409
        clock.now() < apply.until;
      return limits.review?.(verdict, since) ?? verdict;
    },
  }).catch((error) => {
    if (changed) return null;
    throw error;
  });
}

/**
 * Deletes an object, and waits until it is gone. Deletes the one that was
 * there when it looked, by its uid, and none that took its name since. One
 * that is not there is fine.
 *
 * @param object The object.
 * @param apply Where, how, and until when.
 * @param waits Whether to wait until it is gone.
 * @param onlyIf When not any object of the name is meant.
 * @throws {TransporterError} `conflict` when another object took its name meanwhile; `not_ready` when it
 * does not go away; else the code of the server's answer.
 */
export async function deleteObject(
  object: PlannedObject,
  apply: ApplyContext,
  waits: boolean,
  onlyIf?: OnlyIf,
): Promise<Done> {
  const { client } = apply.cluster;
  const { dryRun } = apply.options;
  const what = describeObject(object);
  const request: ApiRequest = { method: "GET", path: object.path };
  for (let seen = onlyIf?.seen;; seen = undefined) {
    const before = seen ??
      (await client.find(request, limitsOf(object, apply)))?.body;
    if (before === undefined) {
      return { result: resultOf(object, "unchanged", `${what} is not there`) };
    }
    const why = onlyIf?.stays(before);
    if (why !== undefined) {
      return { result: resultOf(object, "skipped", why) };
    }
    const answer = await remove(object, before, apply, onlyIf);
    if (answer === null) continue;
    const { uid } = metadataOf(before);
    if (answer !== undefined && waits && !dryRun) {
      await waitUntilGone(object, uid, apply);
    }
    const now = dryRun
      ? "would be deleted"
      : waits
      ? "is deleted"
      : "is being deleted";
    const result = { ...resultOf(object, "deleted", `${what} ${now}`), uid };
    if (answer === undefined) return { result };
    const foreign = deletedForeign(object, before, apply);
    return {
      result,
      warnings: [
        ...(foreign === undefined ? [] : [foreign]),
        ...liveDirectiveWarnings(object, recordOf(before.metadata)),
        ...answer.warnings.map((warning) => `${what}: ${warning}`),
      ],
    };
  }
}
