import { TransporterError } from "@transporter/sdk";
import {
  appliedOf,
  type ApplyContext,
  limitsOf,
  look,
  queryOf,
  sendWrite,
  unverifiable,
  waitUntilGone,
} from "./apply_calls.ts";
import { refuseForeign } from "./adopt.ts";
import { refuseScaled } from "./autoscaler.ts";
import {
  changeOf,
  type LiveObject,
  managedFieldsOf,
  metadataOf,
} from "./change.ts";
import type { CallOptions } from "./client.ts";
import type { Success } from "./success.ts";
import { createObject } from "./create.ts";
import { bodyLike } from "./ignore_fields.ts";
import { fieldChanges } from "./field_changes.ts";
import { describeObject } from "./manifest.ts";
import { NOBODY, takeOver } from "./migrate.ts";
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
import type { ApiRequest } from "./transport.ts";
import { whileCounted } from "./try_anew.ts";
import { applyUnseen } from "./unseen.ts";

/** The object as it is sent: without what is left alone, once it is there; a dry run has that as it is. */
export function sentOf(
  object: PlannedObject,
  live: LiveObject | null | undefined,
  { options }: Pick<ApplyContext, "options">,
): PlannedObject {
  const { ignored } = object;
  if (ignored === undefined || live === null) return object;
  if (live === undefined) {
    throw new TransporterError(
      "denied",
      `Cannot apply ${
        describeObject(object)
      }: it may not be read, which "ignore_fields" needs`,
    );
  }
  return {
    ...object,
    body: options.dryRun
      ? bodyLike({ ...object, ignored }, live)
      : ignored.body,
  };
}

/**
 * Sends the apply; `undefined` as {@linkcode sendWrite}. What our manager has
 * patched is owned apart from what it has applied, and no conflict with it; nor
 * is what nobody has kept account of.
 */
export async function send(
  { path, body }: PlannedObject,
  limits: CallOptions,
  apply: ApplyContext,
): Promise<Success | undefined> {
  const { options } = apply;
  const query = queryOf(options);
  const requestWith = (force: boolean): ApiRequest => {
    query.set("force", String(force));
    return {
      method: "PATCH",
      path: `${path}?${query}`,
      contentType: "application/apply-patch+yaml",
      body,
    };
  };
  const nobodyElse = [options.fieldManager, NOBODY];
  let isOurs = false;
  const request = requestWith(options.forceConflicts);
  return await sendWrite(request, {
    ...limits,
    review(verdict, since) {
      const { conflicts = [] } = verdict;
      isOurs = conflicts.length > 0 &&
        conflicts.every(({ manager }) => nobodyElse.includes(manager));
      return limits.review?.(verdict, since) ?? verdict;
    },
  }, apply).catch((error) => {
    if (!isOurs) throw error;
    return sendWrite(requestWith(true), limits, apply);
  });
}

/** Another value of a field that somebody owns is a difference; any other error is one. */
function conflicting(error: unknown): "conflict" {
  if (error instanceof TransporterError && error.code === "conflict") {
    return "conflict";
  }
  throw error;
}

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
  const applied = appliedOf(object, {
    change,
    metadata: metadataOf(answer.body),
    warnings: answer.warnings,
    notes,
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
    if (old && options.createOnly) {
      const what = `${describeObject(object)} is there, and left as it is`;
      return { result: resultOf(object, "skipped", what) };
    }
    const notes = [...replaced];
    const sent = sentOf(object, old, apply);
    if (old) {
      await refuseForeign(object, old, apply, async () => {
        const tried = { ...apply, options: { ...options, dryRun: true } };
        const answer = await send(sentOf(object, old, tried), limits, tried)
          .catch(conflicting);
        return answer === "conflict" || answer !== undefined &&
            fieldChanges(old, answer.body).length > 0;
      });
      notes.push(...await refuseScaled(object, sent, old, apply));
      const taken = await takeOver(object, old, { limits, lost }, apply);
      if (taken === undefined) continue;
      notes.push(...taken);
    }
    const startedAt = clock.monotonic();
    let answer: Success | undefined;
    let version: string | undefined;
    try {
      answer = await send(sent, {
        ...limits,
        review(verdict, since) {
          version = verdict.lost;
          const reviewed = limits.review?.(verdict, since) ?? verdict;
          return replaced.length === 0 ? reviewed : whileCounted(reviewed);
        },
      }, apply);
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
