import * as v from "valibot";
import type { Fields } from "./subject.ts";

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

const requirement = v.strictObject({
  key: v.pipe(v.string(), v.nonEmpty()),
  operator: v.picklist(
    OPERATORS,
    'one of "In", "NotIn", "Exists" and "DoesNotExist" is needed',
  ),
  values: v.optional(v.array(v.string())),
});

/** A selector of labels, as Kubernetes writes it. */
export const selectorSchema = v.strictObject({
  matchLabels: v.optional(v.record(v.string(), v.string())),
  matchExpressions: v.optional(v.array(requirement)),
});

/** A selector that was checked. */
export type Selector = v.InferOutput<typeof selectorSchema>;

type Requirement = v.InferOutput<typeof requirement>;

function meets(
  labels: Fields,
  { key, operator, values = [] }: Requirement,
): boolean {
  const isThere = Object.hasOwn(labels, key);
  const isOne = isThere && values.includes(String(labels[key]));
  switch (operator) {
    case "In":
      return isOne;
    case "NotIn":
      return !isOne;
    case "Exists":
      return isThere;
    case "DoesNotExist":
      return !isThere;
  }
}

/** Whether labels are selected; a selector that says nothing selects all. */
export function selects(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Fields,
): boolean {
  return Object.entries(matchLabels).every(([key, value]) =>
    Object.hasOwn(labels, key) && labels[key] === value
  ) && matchExpressions.every((each) => meets(labels, each));
}

/** Whether a selector selects all. */
export function isEmpty(
  { matchLabels = {}, matchExpressions = [] }: Selector,
): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** A selector as a query writes it. */
export function queryOf(
  { matchLabels = {}, matchExpressions = [] }: Selector,
): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      const list = `(${values.join(",")})`;
      if (operator === "In") return `${key} in ${list}`;
      if (operator === "NotIn") return `${key} notin ${list}`;
      return operator === "Exists" ? key : `!${key}`;
    }),
  ].join(",");
}
