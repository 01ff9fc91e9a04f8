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

/** The payload of a `k8s_resource` event. Unknown keys are refused. */
export const payloadSchema = v.strictObject(
  {
    manifests: v.array(manifest, "a list of manifests is needed"),
    script: empty,
    args: empty,
    policy_rules: empty,
  },
  (issue) =>
    issue.expected === "never"
      ? `unknown key; "${EVENT_TYPE}" takes "manifests"`
      : issue.received === "undefined"
      ? "a list of manifests is needed"
      : "an object is needed",
);

/** What the schema accepts. */
export type Payload = v.InferOutput<typeof payloadSchema>;
