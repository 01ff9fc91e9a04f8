import { isDeepStrictEqual } from "node:util";
import { isRecord } from "@transporter/sdk";
import type { LiveObject } from "./change.ts";
import { ELEMENT_KEYS } from "./pointer.ts";

/** A field that differs. */
export interface FieldChange {
  /** Its path, as the server writes paths: `.spec.template.spec.containers[name="web"].image`. */
  readonly path: string;
  /** What it was; left out when it was not there. */
  readonly before?: unknown;
  /** What it is now; left out when it is gone. */
  readonly after?: unknown;
}

/** The server's own bookkeeping. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  "managedFields",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "uid",
  "selfLink",
]);

/** What people mean by an object: not the bookkeeping, nor what controllers report. */
export function essenceOf(object: LiveObject): LiveObject {
  const { status: _, metadata, ...rest } = object;
  const kept = isRecord(metadata)
    ? Object.entries(metadata).filter(([key]) => !BOOKKEEPING.has(key))
    : [];
  return { ...rest, metadata: Object.fromEntries(kept) };
}

/** A name that needs no quotes in a path. */
const PLAIN_REGEXP = /^[A-Za-z_][\w-]*$/;

function fieldPath(parent: string, key: string): string {
  return PLAIN_REGEXP.test(key)
    ? `${parent}.${key}`
    : `${parent}[${JSON.stringify(key)}]`;
}

/** The elements of two lists by their paths: by a key that tells all of them apart, else by their places. */
function elementsOf(
  lists: readonly (readonly unknown[])[],
): readonly ReadonlyMap<string, unknown>[] {
  const key = ELEMENT_KEYS.find((each) =>
    lists.every((list) =>
      list.every((element) =>
        isRecord(element) &&
        (typeof element[each] === "string" || typeof element[each] === "number")
      ) && new Set(list.map((element) => isRecord(element) && element[each]))
          .size === list.length
    )
  );
  return lists.map((list) =>
    new Map(list.map((element, index): [string, unknown] => {
      const name = key === undefined || !isRecord(element)
        ? String(index)
        : `${key}=${JSON.stringify(element[key])}`;
      return [`[${name}]`, element];
    }))
  );
}

/** The names of the elements that are in both lists, in the order of the first. */
function orderOf(
  list: ReadonlyMap<string, unknown>,
  other: ReadonlyMap<string, unknown>,
): readonly string[] {
  return [...list.keys()].filter((key) => other.has(key));
}

function* walk(
  before: unknown,
  after: unknown,
  path: string,
): Generator<FieldChange> {
  if (isDeepStrictEqual(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (
      const key of new Set([...Object.keys(before), ...Object.keys(after)])
    ) {
      yield* walk(before[key], after[key], fieldPath(path, key));
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    const [old, now] = elementsOf([before, after]);
    if (old === undefined || now === undefined) return;
    for (const key of new Set([...old.keys(), ...now.keys()])) {
      yield* walk(old.get(key), now.get(key), path + key);
    }
    // Containers begin one after the other, and variables may stand for earlier ones.
    const [was, is] = [orderOf(old, now), orderOf(now, old)];
    if (!isDeepStrictEqual(was, is)) yield { path, before: was, after: is };
  } else {
    yield {
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
  }
}

/**
 * The fields in which two states of an object differ, without the server's
 * bookkeeping and without `status`. Pure.
 *
 * @param before The object as it was; `{}` when it was not there.
 * @param after The object as it is.
 */
export function fieldChanges(
  before: LiveObject,
  after: LiveObject,
): FieldChange[] {
  return [...walk(essenceOf(before), essenceOf(after), "")];
}
