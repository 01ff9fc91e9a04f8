import { isDeepStrictEqual } from "node:util";
import { isRecord } from "@transporter/sdk";
import { type LiveObject, managedFieldsOf } from "./change.ts";
import { union } from "./entries.ts";
import type { Options } from "./event_options.ts";
import { isTaken, takenFrom } from "./migrate.ts";
import type { Fields } from "./ready_parts.ts";

/** Where in a list an owned element stands; -1 when it is not there. */
function placeOf(list: readonly unknown[], name: string): number {
  const wanted: unknown = JSON.parse(name.slice(2));
  return list.findIndex((element) =>
    name.startsWith("k:") && isRecord(wanted)
      ? isRecord(element) &&
        Object.entries(wanted).every(([key, value]) =>
          isDeepStrictEqual(element[key], value)
        )
      : isDeepStrictEqual(element, wanted)
  );
}

/** The value with another one, or none, in place of what an owned field names. */
function withChild(
  value: unknown,
  name: string,
  change: (child: unknown) => unknown,
): unknown {
  if (Array.isArray(value)) {
    const place = name.startsWith("i:")
      ? Number(name.slice(2))
      : placeOf(value, name);
    if (place < 0 || place >= value.length) return value;
    const after = change(value[place]);
    return after === undefined
      ? value.toSpliced(place, 1)
      : value.with(place, after);
  }
  const key = name.slice(2);
  if (!isRecord(value) || !Object.hasOwn(value, key)) return value;
  const { [key]: child, ...others } = value;
  const after = change(child);
  return after === undefined ? others : { ...value, [key]: after };
}

function isLeaf(fields: Fields): boolean {
  return Object.keys(fields).length === 0;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.keys(value).length === 0;
}

/**
 * The value without the fields of which somebody lets go and which nobody else
 * owns; `undefined` when nothing of it is left.
 *
 * @see {@link https://github.com/kubernetes-sigs/structured-merge-diff/blob/master/merge/update.go}
 */
function without(value: unknown, old: Fields, kept: unknown): unknown {
  let left = value;
  for (const [name, child] of Object.entries(old)) {
    if (name === "." || !isRecord(child)) continue;
    const others = isRecord(kept) ? kept[name] : undefined;
    // Who owns all of it keeps all of it.
    if (isRecord(others) && isLeaf(others)) continue;
    const isOwned = isLeaf(child) || "." in child;
    left = withChild(left, name, (each) => {
      if (others === undefined && isOwned) return undefined;
      const after = without(each, child, others);
      return others === undefined && !isDeepStrictEqual(after, each) &&
          isEmpty(after)
        ? undefined
        : after;
    });
  }
  return left;
}

/**
 * What an apply leaves of an object once it owns what is taken over: without
 * what the manifest leaves out of that and nobody else owns. Pure.
 *
 * @param live The object as it is.
 * @param merged What a dry run makes of it, for which those fields are still another manager's.
 * @param options How.
 */
export function withoutTaken(
  live: LiveObject,
  merged: LiveObject,
  options: Pick<Options, "adopt">,
): LiveObject {
  const from = takenFrom(options);
  const [before, after] = [managedFieldsOf(live), managedFieldsOf(merged)];
  const joined = (entries: readonly Fields[]) =>
    entries.reduce<unknown>((all, { fieldsV1 }) => union(all, fieldsV1), {});
  // Of an object without any account of its fields there is one only afterwards.
  const old = joined(
    [...before, ...after].filter((each) => isTaken(from, each)),
  );
  const kept = joined(after.filter((each) => !isTaken(from, each)));
  return isRecord(old) ? without(merged, old, kept) as LiveObject : merged;
}

/**
 * The merge patch that makes one value of another; `undefined` when they are the same. Pure.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7396}
 */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (isDeepStrictEqual(from, to)) return undefined;
  if (!isRecord(from) || !isRecord(to)) return to;
  const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
  return Object.fromEntries(
    [...keys].flatMap((key): [string, unknown][] => {
      if (!Object.hasOwn(to, key)) return [[key, null]];
      const patch = mergePatch(from[key], to[key]);
      return patch === undefined ? [] : [[key, patch]];
    }),
  );
}
