import { TransporterError } from "@transporter/sdk";
import { ownerOf } from "./adopt.ts";
import {
  appliedOf,
  type ApplyContext,
  limitsOf,
  queryOf,
} from "./apply_calls.ts";
import { patchedScaled } from "./autoscaler.ts";
import { metadataOf } from "./change.ts";
import type { CallOptions } from "./client.ts";
import { fieldChanges } from "./field_changes.ts";
import { describeObject } from "./manifest.ts";
import { mendVersions } from "./migrate.ts";
import type { Options } from "./event_options.ts";
import type { PatchType } from "./options.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { tellProvenance } from "./provenance.ts";
import { recordOf } from "./ready_parts.ts";
import { notesOnEnd } from "./try_apply.ts";

/** @see {@link https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-update} */
const CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

/** All that the server says when a step cannot be done, or a test fails (seen on 1.36.3). */
const STEP_FAILED_REGEXP = /^the server rejected our request due to an error/;

/** Limits of a JSON patch: its steps are sent once, and an answer that says nothing is put into words. */
function stepping(limits: CallOptions): CallOptions {
  return {
    ...limits,
    once: true,
    review(verdict, since) {
      const reviewed = limits.review?.(verdict, since) ?? verdict;
      return STEP_FAILED_REGEXP.test(reviewed.reason)
        ? {
          ...reviewed,
          reason:
            "a step of the patch cannot be done, as its path is not there or its test fails; the server does not say which, and did none of them",
        }
        : reviewed;
    },
  };
}

/** Limits of a patch that is for one version of the object: a conflict about that stays. */
function pinned(limits: CallOptions): CallOptions {
  return {
    ...limits,
    review(verdict, since) {
      const reviewed = limits.review?.(verdict, since) ?? verdict;
      return verdict.code === "conflict"
        ? { ...reviewed, transient: false }
        : reviewed;
    },
  };
}

/** Whether a patch says which version of the object it is for, so that it is for no later one. */
function namesVersion(patch: Options["patch"]): boolean {
  return Array.isArray(patch)
    ? patch.some((step) => recordOf(step).path === "/metadata/resourceVersion")
    : recordOf(recordOf(patch).metadata).resourceVersion !== undefined;
}

/** Limits of the request itself, by what the patch says. */
function patching(limits: CallOptions, { patch, patchType }: Options) {
  const once = patchType === "json" ? stepping(limits) : limits;
  return namesVersion(patch) ? pinned(once) : once;
}

/** The object as it is, with fields that are recorded for versions that are there. */
async function looked(
  object: PlannedObject,
  limits: CallOptions,
  apply: ApplyContext,
) {
  for (;;) {
    const found = await apply.cluster.client.find(
      { method: "GET", path: object.path },
      limits,
    );
    if (found === undefined) {
      throw new TransporterError(
        "not_found",
        `Cannot patch ${describeObject(object)}: it is not there`,
      );
    }
    const before = found.body;
    const mended = await mendVersions(object, before, limits, apply);
    if (mended !== undefined) return { before, mended };
  }
}

/**
 * Changes fields of an object that is there. The steps of a JSON patch are sent
 * once: whether they were done when no answer came nobody can tell, and doing
 * them again may be one time too many.
 *
 * @param object The object.
 * @param apply Where, how, and until when.
 * @throws {TransporterError} `not_found` when it is not there; else the code of the server's answer.
 */
export async function patchObject(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<Done> {
  const { cluster: { client }, options } = apply;
  const what = describeObject(object);
  const limits = limitsOf(object, apply, "patch");
  const { before, mended } = await looked(object, limits, apply);
  const answer = await client.call({
    method: "PATCH",
    path: `${object.path}?${queryOf(options)}`,
    contentType: CONTENT_TYPES[options.patchType],
    body: JSON.stringify(options.patch),
  }, patching(limits, options));
  const fields = fieldChanges(before, answer.body).map(({ path }) => path);
  const owner = ownerOf(answer.body, options.fieldManager);
  const done = appliedOf(object, {
    change: fields.length === 0 ? "unchanged" : "configured",
    metadata: metadataOf(answer.body),
    warnings: answer.warnings,
    fields,
    notes: [
      ...mended,
      ...notesOnEnd(object, before),
      ...await patchedScaled(object, fields, apply),
      ...(owner === undefined
        ? []
        : [`${what}: ${owner} looks after it, and may change it back`]),
    ],
    dryRun: options.dryRun,
  });
  return await tellProvenance(object, answer.body, { done, limits }, apply);
}
