import { isDeepStrictEqual } from "node:util";
import { type Fields, recordOf } from "../ready_parts.ts";

/** Limits by which a value may be too large, and by which it may be too small. */
const MOST = ["maximum", "maxLength", "maxItems", "maxProperties"] as const;
const LEAST = ["minimum", "minLength", "minItems", "minProperties"] as const;

const PRESERVE = "x-kubernetes-preserve-unknown-fields";

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What of one level is narrower: continues "its field PATH". */
function* here(before: Fields, after: Fields): Generator<string> {
  const isWider = before.type === "integer" && after.type === "number";
  if (
    before.type !== undefined && after.type !== undefined &&
    before.type !== after.type && !isWider
  ) yield `was of the type "${before.type}" and is "${after.type}"`;
  if (before.nullable === true && after.nullable !== true) {
    yield "cannot be null any more";
  }
  if (before[PRESERVE] === true && after[PRESERVE] !== true) {
    yield "keeps no unknown fields any more";
  }
  if (after.pattern !== undefined && after.pattern !== before.pattern) {
    yield "has another pattern";
  }
  if (after.enum !== undefined) {
    const kept = listOf(after.enum);
    const isKept = (value: unknown) =>
      kept.some((each) => isDeepStrictEqual(each, value));
    if (before.enum === undefined || !listOf(before.enum).every(isKept)) {
      yield "takes fewer values";
    }
  }
  for (const [limits, sign] of [[MOST, 1], [LEAST, -1]] as const) {
    for (const limit of limits) {
      const [was, is] = [before[limit], after[limit]];
      if (typeof is !== "number") continue;
      if (typeof was !== "number" || was * sign > is * sign) {
        yield `has a "${limit}" of ${is}`;
      }
    }
  }
}

/** Fields that are gone, and fields that have to be there. */
function* membersOf(
  before: Fields,
  after: Fields,
  path: string,
): Generator<string> {
  const properties = recordOf(after.properties);
  const isOpen = after[PRESERVE] === true ||
    after.additionalProperties !== undefined;
  for (const name of Object.keys(recordOf(before.properties))) {
    if (!Object.hasOwn(properties, name) && !isOpen) {
      yield `"${path}.${name}" is gone`;
    }
  }
  const required = new Set(listOf(before.required));
  for (const name of listOf(after.required)) {
    const { default: value } = recordOf(properties[String(name)]);
    if (!required.has(name) && value === undefined) {
      yield `"${path}.${name}" has to be there`;
    }
  }
}

/**
 * In what a schema takes less than one before it, so that objects that are
 * stored may not fit. Pure.
 *
 * @param before The OpenAPI schema of a version, as it is.
 * @param after As it is going to be.
 * @param path The field that both are about.
 * @see {@link https://github.com/carvel-dev/kapp/blob/develop/pkg/kapp/crdupgradesafety/preflight.go}
 */
export function* narrowedIn(
  before: Fields,
  after: Fields,
  path = "",
): Generator<string> {
  for (const what of here(before, after)) yield `"${path || "."}" ${what}`;
  yield* membersOf(before, after, path);
  const properties = recordOf(after.properties);
  for (const [name, each] of Object.entries(recordOf(before.properties))) {
    if (!Object.hasOwn(properties, name)) continue;
    yield* narrowedIn(
      recordOf(each),
      recordOf(properties[name]),
      `${path}.${name}`,
    );
  }
  for (
    const [key, sign] of [["items", "[*]"], ["additionalProperties", ".*"]]
  ) {
    const [was, is] = [before[key ?? ""], after[key ?? ""]];
    if (was === undefined || is === undefined) continue;
    yield* narrowedIn(recordOf(was), recordOf(is), path + sign);
  }
}
