import { TransporterError } from "@transporter/sdk";
import { refuseForeign } from "./adopt.ts";
import {
  type ApplyContext,
  limitsOf,
  look,
  unverifiable,
} from "./apply_calls.ts";
import { refuseScaled } from "./autoscaler.ts";
import { type LiveObject, metadataOf } from "./change.ts";
import type { Success } from "./success.ts";
import { fieldChanges } from "./field_changes.ts";
import { withoutIgnored } from "./ignore_fields.ts";
import { describeObject } from "./manifest.ts";
import type { Mask } from "./mask.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { type ObjectOutcome, resultOf } from "./result.ts";
import { sentOf } from "./send.ts";
import { notesOnEnd, notesOnTry, tryApply } from "./try_apply.ts";

/** Changes that are listed of an object. */
export const CHANGES_MAX = 100;

/** Looks at an object that changes all the time, as many as `kubectl diff` takes. */
const LOOKS_MAX = 4;

/** What is said of an object, by the operation. */
const OUTCOMES: Readonly<
  Record<"diff" | "check", Readonly<Record<string, ObjectOutcome>>>
> = {
  diff: { none: "unchanged", there: "configured", missing: "created" },
  check: { none: "unchanged", there: "drifted", missing: "missing" },
};

const SENTENCES: Readonly<Partial<Record<ObjectOutcome, string>>> = {
  unchanged: "is as it should be",
  configured: "would be configured",
  created: "would be created",
  drifted: "is not as it should be",
  missing: "is not there",
};

function sentenceOf(object: PlannedObject, outcome: ObjectOutcome): string {
  return `${describeObject(object)} ${SENTENCES[outcome]}`;
}

/** A dry run of the apply; what others own is taken in a second one, and said. */
async function tried(
  object: PlannedObject,
  live: LiveObject | null | undefined,
  apply: ApplyContext,
): Promise<
  { readonly answer: Success | undefined; readonly conflict: string }
> {
  let conflict: TransporterError | undefined;
  const limits = limitsOf(object, apply);
  let owned = false;
  const answer = await tryApply(object, live, {
    ...limits,
    review(verdict, since) {
      owned = (verdict.conflicts?.length ?? 0) > 0;
      return limits.review?.(verdict, since) ?? verdict;
    },
  }, apply).catch((error) => {
    if (!owned) throw error;
    conflict = error;
    return undefined;
  });
  if (conflict === undefined) return { answer, conflict: "" };
  const options = { ...apply.options, forceConflicts: true };
  return {
    answer: await tryApply(object, live, limits, { ...apply, options }),
    conflict: conflict.message,
  };
}

/** Why an apply would not be taken, when that is a field that differs and cannot change. */
function fixedIn(error: unknown): string | undefined {
  return error instanceof TransporterError && error.code === "immutable"
    ? error.message
    : undefined;
}

/**
 * The object, and what an apply would make of it. A controller may write
 * between the two, whose change would look like ours: then both are asked for
 * again, as `kubectl diff` does.
 */
async function seen(object: PlannedObject, apply: ApplyContext) {
  for (let looks = 1;; looks++) {
    const live: LiveObject | null | undefined = await look(
      { method: "GET", path: object.path },
      limitsOf(object, apply),
      apply,
    );
    const sent = live === undefined ? object : sentOf(object, live, apply);
    const asked = tried(sent, live, apply);
    if (live && apply.options.operation === "check") {
      const fixed = await asked.then(() => undefined, fixedIn);
      if (fixed !== undefined) {
        return { live, answer: undefined, sent, conflict: "", fixed };
      }
    }
    const { answer, conflict } = await asked;
    const isSame = !live || answer === undefined ||
      metadataOf(live).resourceVersion ===
        metadataOf(answer.body).resourceVersion;
    if (isSame || looks === LOOKS_MAX) {
      return { live, answer, sent, conflict, fixed: undefined };
    }
  }
}

/** What is said, or what an apply would be refused with as the object is another one's. */
async function claims(
  ask: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TransporterError) || error.code !== "conflict") {
      throw error;
    }
    return [error.message];
  }
}

/**
 * Compares an object with what an apply would make of it, by a dry run: with
 * all that the server's defaults and admission add. Writes nothing.
 *
 * @param object The object.
 * @param operation `diff` says what would happen, `check` how far the cluster has gone from it.
 * @param apply Where; its options are a dry run.
 * @param mask Hides what must not be shown.
 * @throws {TransporterError} The code of the server's answer.
 */
export async function compareObject(
  object: PlannedObject,
  operation: "diff" | "check",
  apply: ApplyContext,
  mask: Mask,
): Promise<Done> {
  const { live, answer, sent, conflict, fixed } = await seen(object, apply);
  if (live && fixed !== undefined) {
    const { uid, resourceVersion } = metadataOf(live);
    return {
      result: {
        ...resultOf(object, "drifted", sentenceOf(object, "drifted")),
        uid,
        resource_version: resourceVersion,
      },
      warnings: [fixed],
    };
  }
  if (answer === undefined) {
    // What it needs is not there yet, so neither is it.
    return operation === "check"
      ? { result: resultOf(object, "missing", sentenceOf(object, "missing")) }
      : unverifiable(object);
  }
  const before = live ?? (answer.status === 201 ? {} : undefined);
  if (before === undefined) {
    const why = `${
      describeObject(object)
    } cannot be compared: it may not be read`;
    return { result: resultOf(object, "unverifiable", why) };
  }
  const { ignored } = object;
  const changes = live && ignored
    ? fieldChanges(
      withoutIgnored(before, ignored),
      withoutIgnored(answer.body, ignored),
    )
    : fieldChanges(before, answer.body);
  const kind = live ? changes.length === 0 ? "none" : "there" : "missing";
  const outcome = OUTCOMES[operation][kind] ?? "unchanged";
  const shown = mask.changes(object, changes.slice(0, CHANGES_MAX));
  const more = changes.length - shown.length;
  const sentence = sentenceOf(object, outcome) +
    (more > 0 ? ` (${more} more fields are not listed)` : "");
  const { uid, resourceVersion } = metadataOf(before);
  const notes = !live ? [] : [
    ...(operation === "check"
      ? notesOnEnd(object, live)
      : await claims(async () => {
        const differs = () => Promise.resolve(changes.length > 0);
        await refuseForeign(object, live, apply, differs);
        return notesOnTry(object, live, apply);
      })),
    ...await claims(() => refuseScaled(object, sent, live, apply)),
  ];
  return {
    result: {
      ...resultOf(object, outcome, sentence),
      ...(live ? { uid, resource_version: resourceVersion } : {}),
      ...(shown.length === 0 ? {} : { changes: shown }),
    },
    warnings: [
      ...(conflict === "" ? [] : [conflict]),
      ...notes,
      ...answer.warnings.map((each) => `${describeObject(object)}: ${each}`),
    ],
  };
}
