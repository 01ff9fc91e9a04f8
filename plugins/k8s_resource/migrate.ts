import type { ApplyContext } from "./apply_calls.ts";
import {
  isApplyOf,
  type LiveObject,
  managedFieldsOf,
  metadataOf,
} from "./change.ts";
import type { CallOptions } from "./client.ts";
import { goneVersions, union, withoutGone } from "./entries.ts";
import type { Options } from "./event_options.ts";
import { givenUp } from "./give_up.ts";
import { describeObject } from "./manifest.ts";
import { isForAnother } from "./pin.ts";
import type { PlannedObject } from "./plan.ts";
import type { Fields } from "./ready_parts.ts";

/** Whose the server calls fields of which nobody has kept account, once somebody applies. */
export const NOBODY = "before-first-apply";

/** The managers of `kubectl apply` without `--server-side`, and of what was there before anybody kept account. */
const CLIENT_SIDE: readonly string[] = ["kubectl-client-side-apply", NOBODY];

/** Helm's, which writes as it likes, or applies from its version 4 on; taken over only with `adopt: always`. */
const HELM = "helm";

/** Whose fields an event takes over. */
export function takenFrom(
  { adopt }: Pick<Options, "adopt">,
): readonly string[] {
  return adopt === "always" ? [...CLIENT_SIDE, HELM] : CLIENT_SIDE;
}

/** Whether what is owned like this, as an entry or a conflict says, is taken over. */
export function isTaken(
  managers: readonly string[],
  entry: {
    readonly manager?: unknown;
    readonly operation?: unknown;
    readonly subresource?: unknown;
  },
): boolean {
  return managers.includes(String(entry.manager)) && !entry.subresource &&
    (entry.operation === "Update" || entry.manager === HELM);
}

/** Whether an apply takes away what an entry has and the manifest has not: it is ours, or is taken over. */
export function isOwnedByUs(
  entry: Fields,
  options: Pick<Options, "adopt" | "fieldManager">,
): boolean {
  return isApplyOf(options.fieldManager, entry) ||
    isTaken(takenFrom(options), entry);
}

/**
 * The entries of `managedFields` with those of client-side managers in ours;
 * `undefined` when there is nothing to take over. Pure. Unlike by the rule of
 * client-go, entries of other versions of the API count, too, recorded for that
 * of the manifest: `kubectl apply` leaves one for each version that its file
 * has had, and fields of which nobody keeps account would stay for ever.
 *
 * @param entries The object's.
 * @param manager Ours.
 * @param from Whose are taken over.
 * @param apiVersion The manifest's.
 * @see {@link https://github.com/kubernetes/client-go/blob/master/util/csaupgrade/upgrade.go}
 */
export function migrated(
  entries: readonly Fields[],
  { manager, from, apiVersion }: {
    readonly manager: string;
    readonly from: readonly string[];
    readonly apiVersion: string;
  },
): readonly Fields[] | undefined {
  const isOurs = (entry: Fields) => isApplyOf(manager, entry);
  const isOld = (entry: Fields) => isTaken(from, entry) && !isOurs(entry);
  const old = entries.filter(isOld);
  const all = [...entries.filter(isOurs), ...old];
  const [first] = all;
  if (first === undefined || old.length === 0) return undefined;
  const isOne = all.every((entry) => entry.apiVersion === first.apiVersion);
  return [
    {
      ...first,
      manager,
      operation: "Apply",
      // The server sees to it that fields of another version go.
      apiVersion: isOne ? first.apiVersion : apiVersion,
      fieldsV1: all.reduce<unknown>(
        (fields, entry) => union(fields, entry.fieldsV1),
        {},
      ),
    },
    ...entries.filter((entry) => !isOld(entry) && !isOurs(entry)),
  ];
}

/**
 * Writes who owns which fields of an object, for the version of it that was
 * looked at.
 *
 * @returns Its new version; `undefined` when it changed meanwhile.
 * @throws {TransporterError} The code of the server's answer.
 */
async function writeEntries(
  object: PlannedObject,
  live: LiveObject,
  { entries, limits }: {
    readonly entries: readonly Fields[];
    readonly limits: CallOptions;
  },
  { cluster: { client, clock }, until }: ApplyContext,
): Promise<string | undefined> {
  let outdated = false;
  const written = await client.call({
    method: "PATCH",
    path: object.path,
    contentType: "application/json-patch+json",
    body: JSON.stringify([
      { op: "replace", path: "/metadata/managedFields", value: entries },
      {
        op: "replace",
        path: "/metadata/resourceVersion",
        value: metadataOf(live).resourceVersion,
      },
    ]),
  }, {
    ...limits,
    review(verdict, since) {
      outdated = verdict.code === "conflict" && clock.now() < until;
      const reviewed = limits.review?.(verdict, since) ?? verdict;
      return outdated ? { ...reviewed, transient: false } : reviewed;
    },
  }).catch((error) => {
    if (outdated) return undefined;
    throw error;
  });
  return written && metadataOf(written.body).resourceVersion;
}

/**
 * Sees to it that a patch finds all fields recorded for versions that are there:
 * the server forgets who owns which field of a custom object otherwise.
 *
 * @returns What the producer should know; `undefined` when the object changed meanwhile and has to be looked
 * at again.
 * @throws {TransporterError} The code of the server's answer.
 */
export async function mendVersions(
  object: PlannedObject,
  live: LiveObject,
  limits: CallOptions,
  apply: ApplyContext,
): Promise<readonly string[] | undefined> {
  const all = managedFieldsOf(live);
  const gone = await goneVersions(all, object, apply);
  const entries = withoutGone(all, gone, object.apiVersion);
  if (entries === undefined || apply.options.dryRun) return [];
  return await writeEntries(object, live, { entries, limits }, apply) ===
      undefined
    ? undefined
    : mendedNotes(object, gone);
}

function mendedNotes(
  object: PlannedObject,
  gone: ReadonlySet<string>,
): string[] {
  return [...gone].map((version) =>
    `${
      describeObject(object)
    }: fields that were recorded for "${version}", which is gone, are recorded for "${object.apiVersion}" now`
  );
}

/** Whose fields of an object are taken over, for people; nobody's are not told of. */
export function whoseIsTaken(
  live: LiveObject,
  options: Pick<Options, "adopt">,
): string {
  const from = takenFrom(options);
  const names = managedFieldsOf(live)
    .filter((entry) => isTaken(from, entry) && entry.manager !== NOBODY)
    .map(({ manager }) => `"${manager}"`);
  return [...new Set(names)].join(" and ");
}

/** What {@linkcode takeOver} has done. */
interface TakenOver {
  /** What the producer should know. */
  readonly notes: readonly string[];
  /** The version that it has made of the object, if it has made one. */
  readonly version?: string;
}

/**
 * Takes over the fields that client-side applies have set. They would stay
 * alive for ever when a manifest drops them, even with force, as a manager that
 * applies no more owns them still (seen on 1.36.3). The annotation in which
 * `kubectl` keeps what it applied last goes with the next apply, as it is ours
 * now and no part of the manifest. What is left alone is given up with it.
 *
 * @param object Which object.
 * @param live The object as it is.
 * @param call `limits`: those of the call; `lost`: versions that the server was found to have no more.
 * @param apply Where and how.
 * @returns What was done; `undefined` when the object changed meanwhile and has to be looked at again.
 * @throws {TransporterError} The code of the server's answer.
 */
export async function takeOver(
  object: PlannedObject,
  live: LiveObject,
  { limits, lost }: {
    readonly limits: CallOptions;
    readonly lost: ReadonlySet<string>;
  },
  apply: ApplyContext,
): Promise<TakenOver | undefined> {
  if (isForAnother(object, live)) return { notes: [] }; // which the server says
  const { fieldManager: manager } = apply.options;
  const { apiVersion, ignored } = object;
  const from = takenFrom(apply.options);
  const all = managedFieldsOf(live);
  const gone = new Set([...lost, ...await goneVersions(all, object, apply)]);
  const mended = withoutGone(all, gone, apiVersion);
  const ours = migrated(mended ?? all, { manager, from, apiVersion });
  const taken = ours ?? mended;
  const entries = ignored === undefined
    ? taken
    : givenUp(taken ?? all, manager, ignored) ?? taken;
  if (entries === undefined) return { notes: [] };
  const write = { entries, limits };
  const version = await writeEntries(object, live, write, apply);
  if (version === undefined) return undefined;
  const whose = whoseIsTaken(live, apply.options);
  const notes = [
    ...(mended === undefined ? [] : mendedNotes(object, gone)),
    ...(ours === undefined || whose === ""
      ? []
      : [`${describeObject(object)}: the fields of ${whose} were taken over`]),
  ];
  return { notes, version };
}
