import { isDeepStrictEqual } from "node:util";
import { isRecord, TransporterError } from "@transporter/sdk";
import { isApplyOf } from "./change.ts";
import type { Ignored } from "./ignore_fields.ts";
import { below, type Pointer } from "./pointer.ts";
import type { Fields } from "./ready_parts.ts";

/** The keys in which a list's element is owned, `{"name":"web"}`; `undefined` for anything else. */
function elementKeys(name: string): Fields | undefined {
  if (!name.startsWith("k:")) return undefined;
  const keys: unknown = JSON.parse(name.slice(2));
  return isRecord(keys) ? keys : undefined;
}

/** How a level of owned fields names what a pointer leads to. @see {@link https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management} */
function nameIn(fields: Fields, token: string, like: unknown): string {
  const element = Array.isArray(like) ? below(like, token) : undefined;
  if (!isRecord(element)) return `f:${token}`;
  const found = Object.keys(fields).find((name) => {
    const keys = elementKeys(name);
    const told = Object.entries(keys ?? {}).filter(([key]) => key in element);
    // What the server adds to a key by default, such as a protocol, the manifest need not have.
    return told.length > 0 &&
      told.every(([key, value]) => isDeepStrictEqual(element[key], value));
  });
  return found ?? "";
}

/** Whether somebody owns what a field stands in as a whole, so that an apply replaces all of it. */
function isOwnedAsWhole(
  fields: unknown,
  [token, ...rest]: Pointer,
  like: unknown,
): boolean {
  if (token === undefined || rest.length === 0 || !isRecord(fields)) {
    return false;
  }
  const child = fields[nameIn(fields, token, like)];
  if (!isRecord(child)) return false;
  const next = below(like, token);
  return Object.keys(child).length === 0
    ? below(next, rest[0] ?? "") !== undefined
    : isOwnedAsWhole(child, rest, next);
}

/** Owned fields without one of them; `undefined` when none is left. A level that stayed empty would mean the level itself. */
function without(
  fields: unknown,
  [token, ...rest]: Pointer,
  like: unknown,
): unknown {
  if (token === undefined) return undefined;
  if (!isRecord(fields)) return fields;
  const name = nameIn(fields, token, like);
  if (!(name in fields)) return fields;
  const { [name]: child, ...others } = fields;
  const left = without(child, rest, below(like, token));
  if (left !== undefined) return { ...fields, [name]: left };
  return Object.keys(others).length === 0 ? undefined : others;
}

/**
 * The entries of `managedFields` without what a manager owns of fields that are
 * left alone: an apply that leaves out what its manager owns takes it away.
 * Pure.
 *
 * @param entries The object's.
 * @param manager Ours.
 * @param ignored The fields.
 * @returns `undefined` when the manager owns none of them.
 * @throws {TransporterError} `invalid`: a field is a part of something that is only owned as a whole.
 */
export function givenUp(
  entries: readonly Fields[],
  manager: string,
  { pointers, value }: Ignored,
): readonly Fields[] | undefined {
  const whole = pointers.find((pointer) =>
    entries.some(({ fieldsV1 }) => isOwnedAsWhole(fieldsV1, pointer, value))
  );
  if (whole !== undefined) {
    throw new TransporterError(
      "invalid",
      `Cannot leave "/${
        whole.join("/")
      }" alone: what it is a part of is owned as a whole; name that in "ignore_fields"`,
    );
  }
  let changed = false;
  const after = entries.flatMap((entry): Fields[] => {
    if (!isApplyOf(manager, entry)) return [entry];
    const fieldsV1 = pointers.reduce<unknown>(
      (fields, pointer) => without(fields, pointer, value),
      entry.fieldsV1,
    );
    if (isDeepStrictEqual(fieldsV1, entry.fieldsV1)) return [entry];
    changed = true;
    return fieldsV1 === undefined ? [] : [{ ...entry, fieldsV1 }];
  });
  return changed ? after : undefined;
}
