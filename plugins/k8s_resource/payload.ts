import { isRecord } from "@transporter/sdk";
import * as v from "valibot";
import { longIn } from "./exact_json.ts";
import { oneOf } from "./option_shapes.ts";
import { misplacedOption } from "./event_options.ts";
import { OPERATIONS, optionEntries, OPTIONS } from "./options.ts";
import { unknownKey } from "../unknown_key.ts";

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

/** Why a patch cannot be taken as it came; text in it is no help, as fields have types. */
function lostIn(patch: unknown): string | undefined {
  const long = longIn(JSON.stringify(patch ?? null));
  return long === undefined
    ? undefined
    : `the "patch" holds the integer ${long}, which may have been another one, as JSON numbers have 53 bits; apply a manifest that is text`;
}

const KEYS = ["manifests", "operation", ...Object.keys(OPTIONS)];

/** The payload of a `k8s_resource` event. Unknown keys are refused. */
export const payloadSchema = v.pipe(
  v.strictObject(
    {
      manifests: v.array(manifest, "a list of manifests is needed"),
      operation: v.optional(oneOf(OPERATIONS)),
      ...optionEntries,
      script: empty,
      args: empty,
      policy_rules: empty,
    },
    (issue) =>
      issue.expected === "never"
        ? unknownKey(String(issue.path?.at(-1)?.key ?? ""), {
          type: EVENT_TYPE,
          keys: KEYS,
        })
        : issue.received === "undefined"
        ? "a list of manifests is needed"
        : "an object is needed",
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const message = misplacedOption(dataset.value) ??
      lostIn(dataset.value.patch);
    if (message !== undefined) addIssue({ message });
  }),
);

/** What the schema accepts. */
export type Payload = v.InferOutput<typeof payloadSchema>;

/** Steps of a JSON patch that end in the same however often they are done. */
const REPEATABLE_STEPS: ReadonlySet<unknown> = new Set(["test", "replace"]);

const TIME_TO_LIVE = "ttlSecondsAfterFinished";

/** How a document names the kind Job, as YAML and as JSON. */
const JOB_REGEXP = /["']?kind["']?\s*:\s*["']?Job\b/;

/**
 * Whether one of the manifests may be a Job with a time to live. Texts are not
 * parsed: the control plane asks, too, and has no reader at hand. One that only
 * looks like such a Job is not repeated by itself either.
 */
function hasPassingJob(manifests: unknown): boolean {
  return Array.isArray(manifests) && manifests.some((manifest) => {
    const text = typeof manifest === "string"
      ? manifest
      : JSON.stringify(manifest);
    return text.includes(TIME_TO_LIVE) &&
      text.split(/^---/m).some((each) =>
        each.includes(TIME_TO_LIVE) && JOB_REGEXP.test(each)
      );
  });
}

/**
 * Whether a payload may run again after a crash in the middle. Server-side
 * apply of the same bytes ends in the same objects, and names that are made up
 * follow from the event's id; what only reads repeats, and so do the fields of
 * a merge. Not so a delete: who made an object anew after it would lose that
 * one; the same holds for what is replaced. Nor the steps of a JSON patch that
 * add, take out or move. Nor the apply of a Job that is collected some time after
 * it has finished: it would run once more.
 */
export function isRepeatable(payload: unknown): boolean {
  if (!isRecord(payload)) return true;
  const { operation, patch } = payload;
  if (payload.replace_immutable === true) return false;
  if (operation === "delete") return false;
  if (operation === undefined || operation === "apply") {
    return !hasPassingJob(payload.manifests);
  }
  if (operation !== "patch" || !Array.isArray(patch)) return true;
  return patch.every((step) => isRecord(step) && REPEATABLE_STEPS.has(step.op));
}

/**
 * Refuses what is no path. What reads them is loaded only where there are any.
 *
 * @throws {TransporterError} `invalid`, naming the path.
 */
export async function checkPaths(
  paths: readonly string[] = [],
): Promise<void> {
  if (paths.length === 0) return;
  const { readPath } = await import("./json_path.ts");
  for (const path of paths) readPath(path);
}
