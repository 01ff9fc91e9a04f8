import { isRecord } from "@transporter/sdk";
import * as v from "valibot";

/** What the event type is called. */
export const EVENT_TYPE = "k8s_resource";

function isEmpty(value: unknown): boolean {
  return value === null || value === "" ||
    (Array.isArray(value) && value.length === 0);
}

/** Upstream's producer writes the fields of all its event types into each payload; here they are empty. */
const empty = v.optional(
  v.custom<unknown>(isEmpty, `"${EVENT_TYPE}" does not take it`),
);

const manifest = v.custom<string | Readonly<Record<string, unknown>>>(
  (value) => typeof value === "string" || isRecord(value),
  "a manifest has to be text or an object",
);

/** What becomes of the objects that a deleted one owns: deleted after it, before it, or left. */
export const PROPAGATIONS = ["background", "foreground", "orphan"] as const;

/** One of {@linkcode PROPAGATIONS}. */
export type Propagation = typeof PROPAGATIONS[number];

/** What is done with the objects. */
export const OPERATIONS = ["apply", "delete"] as const;

/** One of {@linkcode OPERATIONS}. */
export type Operation = typeof OPERATIONS[number];

function oneOf<const Values extends readonly string[]>(values: Values) {
  const names = values.map((value) => `"${value}"`).join(", ");
  return v.optional(v.picklist(values, `one of ${names} is needed`));
}

/** The payload of a `k8s_resource` event. Unknown keys are refused. */
export const payloadSchema = v.pipe(
  v.strictObject(
    {
      manifests: v.array(manifest, "a list of manifests is needed"),
      operation: oneOf(OPERATIONS),
      propagation: oneOf(PROPAGATIONS),
      script: empty,
      args: empty,
      policy_rules: empty,
    },
    (issue) =>
      issue.expected === "never"
        ? `unknown key; "${EVENT_TYPE}" takes "manifests", "operation" and "propagation"`
        : issue.received === "undefined"
        ? "a list of manifests is needed"
        : "an object is needed",
  ),
  v.check(
    ({ operation, propagation }) =>
      propagation === undefined || operation === "delete",
    '"propagation" is only for the operation "delete"',
  ),
);

/** What the schema accepts. */
export type Payload = v.InferOutput<typeof payloadSchema>;
