import { TransporterError } from "@transporter/sdk";
import type { LiveObject } from "./change.ts";
import { type Manifest, refuse } from "./manifest.ts";
import type { GivenOptions } from "./options.ts";
import {
  below,
  type Pointer,
  readPointer,
  valueLike,
  withoutLike,
} from "./pointer.ts";
import { kindKey } from "./ready_when.ts";
import { readYaml } from "./yaml_document.ts";
import { isMapping, Unreadable, type Value } from "./yaml_value.ts";

/** What is left alone of an object. */
export interface Ignored {
  /** Which fields, by their places in the manifest. */
  readonly pointers: readonly Pointer[];
  /** What the manifest holds. */
  readonly value: Value;
  /** The manifest without them. */
  readonly body: string;
}

/** What an object is told apart by, and what is the server's. */
const IDENTITY: ReadonlySet<string> = new Set([
  "/apiVersion",
  "/kind",
  "/metadata",
  "/metadata/name",
  "/metadata/generateName",
  "/metadata/namespace",
  "/metadata/managedFields",
]);

function refused(
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  why: string,
): TransporterError {
  return new TransporterError(
    "invalid",
    `Cannot accept "ignore_fields" for "${kind}" in "${apiVersion}": ${why}`,
  );
}

/** What is sent for the `stringData` of a Secret is its `data`. */
function asSent(text: string, { apiVersion, kind }: Manifest): Pointer {
  const [first, ...rest] = readPointer(text);
  return apiVersion === "v1" && kind === "Secret" && first === "stringData"
    ? ["data", ...rest]
    : [first ?? "", ...rest];
}

/** The way to a field in the text; `undefined` when the manifest has none there. */
function pathOf(
  value: Value,
  pointer: Pointer,
): readonly (string | number)[] | undefined {
  const path: (string | number)[] = [];
  let at: unknown = value;
  for (const token of pointer) {
    path.push(Array.isArray(at) ? Number(token) : token);
    at = below(at, token);
    if (at === undefined) return undefined;
  }
  return path;
}

/** The longest way to a mapping that is not empty once the field is gone. */
function withoutEmpty(
  value: Value,
  path: readonly (string | number)[],
): readonly (string | number)[] | undefined {
  if (path.length === 0 || typeof path.at(-1) === "number") return undefined;
  const parent = path.slice(0, -1).reduce<unknown>(
    (at, step) => below(at, String(step)),
    value,
  );
  return isMapping(parent as Value) &&
      Object.keys(parent as object).length === 1
    ? withoutEmpty(value, path.slice(0, -1))
    : path;
}

/** The text with another value at a field, or without it. */
function edited(
  body: string,
  pointer: Pointer,
  { object, value: next }: {
    readonly object: Manifest;
    readonly value?: unknown;
  },
): string {
  const reading = readYaml(body);
  const path = pathOf(reading.value, pointer);
  if (path === undefined) return body;
  const kept = next === undefined ? withoutEmpty(reading.value, path) : path;
  const key = kept?.at(-1);
  if (kept === undefined || typeof key !== "string") {
    throw refused(
      object,
      `"/${
        pointer.join("/")
      }" is an element of a list; name fields of it, and not all of them`,
    );
  }
  return reading.edit({
    at: kept.slice(0, -1),
    instead: { [key]: next === undefined ? {} : { [key]: next as Value } },
  });
}

function ignoredOf(
  object: Manifest,
  pointers: readonly Pointer[],
): Ignored {
  try {
    const body = pointers.reduce(
      (text, pointer) => edited(text, pointer, { object }),
      object.body,
    );
    return { pointers, value: readYaml(object.body).value, body };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw refuse("invalid_yaml", object.place, error.message, error);
  }
}

/**
 * Finds what is left alone of each object of a payload.
 *
 * @param given The payload's `ignore_fields`.
 * @param objects The objects of its manifests.
 * @throws {TransporterError} `invalid`: a pointer leads to what cannot be left alone, or is for no object;
 * `invalid_yaml`: a manifest shares the field by an anchor.
 */
export function ignoredFields<Each extends Manifest>(
  given: GivenOptions["ignore_fields"],
  objects: readonly Each[],
): ReadonlyMap<Each, Ignored> {
  const kinds = new Set(objects.map(kindKey));
  const texts = new Map<string, readonly string[]>();
  for (const { api_version: apiVersion, kind, pointers } of given ?? []) {
    const key = kindKey({ apiVersion, kind });
    const named = { apiVersion, kind };
    if (!kinds.has(key)) {
      throw refused(named, "no manifest has an object of it");
    }
    if (texts.has(key)) throw refused(named, "it is there twice");
    const identity = pointers.find((text) => IDENTITY.has(text));
    if (identity !== undefined) {
      throw refused(named, `"${identity}" is what tells objects apart`);
    }
    texts.set(key, pointers);
  }
  return new Map(
    objects.flatMap((object): [Each, Ignored][] => {
      const found = texts.get(kindKey(object));
      if (found === undefined) return [];
      const pointers = found.map((text) => asSent(text, object));
      return [[object, ignoredOf(object, pointers)]];
    }),
  );
}

/**
 * What is sent to ask what would happen: the manifest with the fields as they
 * are, so that nothing comes of them.
 *
 * @param object The object, and what is left alone of it.
 * @param live The object as it is.
 */
export function bodyLike(
  object: Manifest & { readonly ignored: Ignored },
  live: LiveObject,
): string {
  const { pointers, value } = object.ignored;
  return pointers.reduce(
    (text, pointer) =>
      edited(text, pointer, {
        object,
        value: valueLike(live, pointer, value),
      }),
    object.body,
  );
}

/** An object without what is left alone of it, to be compared. */
export function withoutIgnored(
  object: LiveObject,
  { pointers, value }: Ignored,
): LiveObject {
  return pointers.reduce(
    (left, pointer) => withoutLike(left, pointer, value) as LiveObject,
    object,
  );
}
