import { isDeepStrictEqual } from "node:util";
import { TransporterError } from "@transporter/sdk";
import { type ApplyContext, queryOf, sendWrite } from "./apply_calls.ts";
import { type LiveObject, metadataOf } from "./change.ts";
import type { CallOptions } from "./client.ts";
import { stringifyExactly } from "./exact_json.ts";
import { fieldChanges } from "./field_changes.ts";
import { describeObject } from "./manifest.ts";
import { whoseIsTaken } from "./migrate.ts";
import type { PlannedObject } from "./plan.ts";
import { recordOf } from "./ready_parts.ts";
import { send, sentOf } from "./send.ts";
import type { Success } from "./success.ts";
import { mergePatch, withoutTaken } from "./taken_fields.ts";

/** The object without the account of its fields, which is no part of what is tried. */
function unaccounted(object: LiveObject): LiveObject {
  const { managedFields: _, ...metadata } = recordOf(object.metadata);
  return { ...object, metadata };
}

/**
 * Asks what an apply would make of an object, and writes nothing. Fields that
 * an apply takes over first are others' for its dry run, which leaves them
 * where the manifest drops them; so what is left without them is tried once
 * more, by a patch, with the server's defaults and admission.
 *
 * @param object The object as it is sent.
 * @param live The object as it is; `null` when it is not there, `undefined` when it may not be read.
 * @param limits Those of the call.
 * @param apply How; its options are a dry run.
 * @returns As {@linkcode send}.
 * @throws {TransporterError} The code of the server's answer.
 */
export async function tryApply(
  object: PlannedObject,
  live: LiveObject | null | undefined,
  limits: CallOptions,
  apply: ApplyContext,
): Promise<Success | undefined> {
  const answer = await send(object, limits, apply);
  if (answer === undefined || !live) return answer;
  const left = withoutTaken(live, answer.body, apply.options);
  if (isDeepStrictEqual(left, answer.body)) return answer;
  const patch = mergePatch(unaccounted(live), unaccounted(left));
  const patched = await sendWrite(
    {
      method: "PATCH",
      path: `${object.path}?${queryOf(apply.options)}`,
      contentType: "application/merge-patch+json",
      body: stringifyExactly(patch),
    },
    limits,
    apply,
  );
  return patched && {
    ...patched,
    body: unaccounted(patched.body),
    warnings: [...new Set([...answer.warnings, ...patched.warnings])],
  };
}

/** Whether an apply would change an object; what another manager owns is a difference, too. */
export async function wouldChange(
  object: PlannedObject,
  live: LiveObject,
  limits: CallOptions,
  given: ApplyContext,
): Promise<boolean> {
  const apply = { ...given, options: { ...given.options, dryRun: true } };
  try {
    const sent = sentOf(object, live, apply);
    const answer = await tryApply(sent, live, limits, apply);
    return answer !== undefined && fieldChanges(live, answer.body).length > 0;
  } catch (error) {
    if (error instanceof TransporterError && error.code === "conflict") {
      return true;
    }
    throw error;
  }
}

/**
 * What the producer should know of an object that is on its way out: it takes a
 * change, and vanishes all the same.
 *
 * @param object Which object.
 * @param live The object as it is.
 * @param next What an apply would do about it: continues the sentence.
 */
export function notesOnEnd(
  object: PlannedObject,
  live: LiveObject,
  next = "",
): readonly string[] {
  return metadataOf(live).deletionTimestamp === ""
    ? []
    : [`${describeObject(object)}: it is being deleted${next}`];
}

/** What an apply would do besides, for the producer. */
export function notesOnTry(
  object: PlannedObject,
  live: LiveObject,
  { options }: Pick<ApplyContext, "options">,
): readonly string[] {
  const whose = whoseIsTaken(live, options);
  const what = describeObject(object);
  return [
    ...notesOnEnd(
      object,
      live,
      "; an apply would wait until it is gone, and make it anew",
    ),
    ...(whose === ""
      ? []
      : [`${what}: an apply would take over the fields of ${whose}`]),
  ];
}
