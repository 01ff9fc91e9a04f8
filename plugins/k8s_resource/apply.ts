import {
  appliedOf,
  type ApplyContext,
  limitsOf,
  look,
  unverifiable,
  waitUntilGone,
} from "./apply_calls.ts";
import { appliedForeign, refuseForeign } from "./adopt.ts";
import { appliedScaled, refuseScaled } from "./autoscaler.ts";
import {
  changeOf,
  type LiveObject,
  managedFieldsOf,
  metadataOf,
} from "./change.ts";
import type { CallOptions } from "./client.ts";
import type { Success } from "./success.ts";
import { createObject } from "./create.ts";
import { fieldChanges } from "./field_changes.ts";
import { describeObject } from "./manifest.ts";
import { NOBODY, takeOver } from "./migrate.ts";
import { repinned } from "./pin.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { tellProvenance } from "./provenance.ts";
import {
  isReplaced,
  removeForReplacement,
  withLoss,
  withWayOut,
} from "./replace.ts";
import { resultOf } from "./result.ts";
import { refuseUnread, send, sentAnew, sentOf } from "./send.ts";
import { notesOnTry, tryApply, wouldChange } from "./try_apply.ts";
import { whileCounted } from "./try_anew.ts";
import { applyUnseen } from "./unseen.ts";

/**
 * The object before the apply: `null` when it is not there, `undefined` when
 * we may not read it. An object that is on its way out is waited for, as it
 * would take an apply and vanish all the same.
 */
async function before(
  object: PlannedObject,
  limits: CallOptions,
  apply: ApplyContext,
): Promise<LiveObject | null | undefined> {
  const found = await look(
    { method: "GET", path: object.path },
    limits,
    apply,
  );
  apply.cluster.newcomers.saw(found === null);
  if (!found || apply.options.dryRun) return found;
  const metadata = metadataOf(found);
  if (metadata.deletionTimestamp === "") return found;
  await waitUntilGone(object, metadata, apply);
  return null;
}

/** What an apply led to. */
async function accountOf(
  object: PlannedObject,
  answer: Success,
  done: {
    readonly before: LiveObject | null | undefined;
    readonly notes: readonly string[];
    readonly tookMs: number;
    readonly maybeMade?: boolean;
    readonly limits: CallOptions;
  },
  apply: ApplyContext,
): Promise<Done> {
  const { before, notes, tookMs, maybeMade = false, limits } = done;
  const { fieldManager, dryRun } = apply.options;
  const change = changeOf({
    status: answer.status,
    after: answer.body,
    before,
    manager: fieldManager,
    answeredAt: Date.parse(answer.headers.get("date") ?? ""),
    tookMs,
    uncertain: answer.uncertain || maybeMade,
    maybeMade,
  });
  const unseen = before !== undefined || change === "created" ? [] : [
    ...appliedForeign(object, answer.body, apply),
    ...await appliedScaled(object, apply),
  ];
  const applied = appliedOf(object, {
    change,
    metadata: metadataOf(answer.body),
    warnings: answer.warnings,
    notes: [...notes, ...unseen],
    fields: change === "configured" && before
      ? fieldChanges(before, answer.body).map(({ path }) => path)
      : [],
    dryRun,
  });
  return await tellProvenance(
    object,
    answer.body,
    { done: applied, limits },
    apply,
  );
}

/**
 * Applies one object by server-side apply, and finds out what that did to it:
 * it is looked at first, unless it is likely to be new. An object whose name
 * was made up is created, or found.
 *
 * @param object The object.
 * @param apply Where, how, and until when.
 * @throws {TransporterError} The code of the server's answer; `not_ready` when an old object does not go away.
 */
export async function applyObject(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<Done> {
  if (object.generateName !== undefined) return createObject(object, apply);
  const { cluster, options } = apply;
  const { clock } = cluster;
  const replaced: string[] = [];
  const lost = new Set<string>();
  let removed: LiveObject | undefined;
  let first: LiveObject | undefined;
  const begunAt = clock.monotonic();
  const unseen = await applyUnseen(object, limitsOf(object, apply), apply);
  if (unseen.answer !== undefined) {
    const tookMs = clock.monotonic() - begunAt;
    const limits = limitsOf(object, apply);
    const made = { before: null, notes: [], tookMs, limits };
    return await accountOf(object, unseen.answer, made, apply);
  }
  const { maybeMade } = unseen;
  for (;;) {
    const limits = limitsOf(object, apply);
    const old = await before(object, limits, apply);
    if (old === undefined) refuseUnread(object, apply);
    if (old && options.createOnly) {
      const what = `${describeObject(object)} is there, and left as it is`;
      return { result: resultOf(object, "skipped", what) };
    }
    const notes = [...replaced];
    let sent = removed && old === null
      ? sentAnew(object, removed)
      : sentOf(object, old, apply);
    if (old) {
      await refuseForeign(
        object,
        old,
        apply,
        () => wouldChange(object, old, limits, apply),
      );
      notes.push(...await refuseScaled(object, sent, old, apply));
      const taken = options.dryRun
        ? { notes: notesOnTry(object, old, apply) }
        : await takeOver(object, old, { limits, lost }, apply);
      if (taken === undefined) continue;
      notes.push(...taken.notes);
      if (taken.version) sent = repinned(sent, taken.version);
    }
    const startedAt = clock.monotonic();
    let answer: Success | undefined;
    let version: string | undefined;
    try {
      const reviewing: CallOptions = {
        ...limits,
        review(verdict, since) {
          version = verdict.lost;
          const reviewed = limits.review?.(verdict, since) ?? verdict;
          return replaced.length === 0 ? reviewed : whileCounted(reviewed);
        },
      };
      answer = options.dryRun
        ? await tryApply(sent, old, reviewing, apply)
        : await send(sent, reviewing, apply);
    } catch (error) {
      if (
        version !== undefined && old && !options.dryRun && !lost.has(version)
      ) {
        lost.add(version);
        continue;
      }
      if (replaced.length > 0) throw withLoss(error);
      if (!old || !isReplaced(error, apply)) {
        throw withWayOut(error, object, old, apply);
      }
      const note = await removeForReplacement(object, old, apply, error);
      if (options.dryRun) {
        const what = `${describeObject(object)} would be deleted and made anew`;
        return { result: resultOf(object, "configured", what) };
      }
      if (note !== undefined) replaced.push(note);
      removed = old;
      continue;
    }
    if (answer === undefined) return unverifiable(object);
    const after = metadataOf(answer.body);
    if (after.deletionTimestamp !== "" && !options.dryRun) {
      await waitUntilGone(object, after, apply);
      continue;
    }
    if (
      old && !options.dryRun && first === undefined &&
      managedFieldsOf(old).length === 0 &&
      managedFieldsOf(answer.body).some(({ manager }) => manager === NOBODY)
    ) {
      first = old; // only now there is an account of its fields, which can be taken over
      continue;
    }
    const told = await accountOf(object, answer, {
      before: first ?? old,
      notes,
      tookMs: clock.monotonic() - (maybeMade ? begunAt : startedAt),
      maybeMade,
      limits,
    }, apply);
    return replaced.length === 0 ? told : { ...told, how: "replaced" };
  }
}
