import { isRecord } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import type { PlannedObject } from "./plan.ts";
import type { Fields } from "./ready_parts.ts";

/** The fields of both; each node is a map, and a leaf an empty one. @see {@link https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management} */
export function union(a: unknown, b: unknown): unknown {
  if (!isRecord(a)) return b;
  if (!isRecord(b)) return a;
  const all: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    all[key] = union(all[key], value);
  }
  return all;
}

/** What the server tells entries apart by: the version counts for updates only. */
function identityOf(entry: Fields): string {
  const { manager, operation, subresource, apiVersion } = entry;
  const version = operation === "Apply" ? "" : apiVersion;
  return JSON.stringify([manager, operation, subresource ?? "", version]);
}

/**
 * The entries of `managedFields` with those of versions that are gone recorded
 * for one that is there; fields have the same names in most versions. Pure.
 *
 * @param entries The object's.
 * @param gone The versions that are gone, as `group/version`.
 * @param apiVersion The one that is there.
 * @returns `undefined` when none of them is gone.
 */
export function withoutGone(
  entries: readonly Fields[],
  gone: ReadonlySet<unknown>,
  apiVersion: string,
): readonly Fields[] | undefined {
  if (!entries.some((entry) => gone.has(entry.apiVersion))) return undefined;
  const all = new Map<string, Fields>();
  for (const entry of entries) {
    const now = gone.has(entry.apiVersion) ? { ...entry, apiVersion } : entry;
    const key = identityOf(now);
    const fieldsV1 = union(all.get(key)?.fieldsV1, now.fieldsV1);
    all.set(key, { ...now, fieldsV1 });
  }
  return [...all.values()];
}

/** Events that have asked the cluster again for its kinds. */
const reloaded = new WeakSet<ApplyContext>();

/**
 * The versions for which fields of an object are recorded, and in which the
 * cluster has its kind no more. A server drops such an entry without a word for
 * its own kinds, so that the fields stay for ever, and takes no apply of a
 * custom object any more (500, seen on 1.36.3).
 *
 * @param entries The entries of its `managedFields`.
 * @param object The object.
 * @param apply The event's.
 */
export async function goneVersions(
  entries: readonly Fields[],
  object: PlannedObject,
  apply: ApplyContext,
): Promise<ReadonlySet<string>> {
  const others = new Set(
    entries.map(({ apiVersion }) => String(apiVersion))
      .filter((version) => version !== object.apiVersion),
  );
  if (others.size === 0) return others;
  const { cluster: { discovery }, context, until } = apply;
  const limits = { signal: context.signal, until };
  const isGone = async (apiVersion: string) => {
    const [first = "", second] = apiVersion.split("/");
    const place = second === undefined
      ? { group: "", version: first }
      : { group: first, version: second };
    let index = await discovery.index(limits);
    if (!index.find(place, object.kind) && !reloaded.has(apply)) {
      reloaded.add(apply); // it may have come since we asked
      index = await discovery.reload(limits);
    }
    return !index.find(place, object.kind) && !index.isStale(place);
  };
  const gone = new Set<string>();
  for (const version of others) if (await isGone(version)) gone.add(version);
  return gone;
}
