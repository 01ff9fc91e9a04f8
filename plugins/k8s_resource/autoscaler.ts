import { isRecord, TransporterError } from "@transporter/sdk";
import { type ApplyContext, missingAsObject, retrying } from "./apply_calls.ts";
import { type LiveObject, managedFieldsOf } from "./change.ts";
import type { Options } from "./event_options.ts";
import { describeObject } from "./manifest.ts";
import { isOwnedByUs } from "./migrate.ts";
import { fieldsOf } from "./object_fields.ts";
import type { PlannedObject } from "./plan.ts";
import { type Fields, recordOf, recordsOf } from "./ready_parts.ts";

/** What an object has when nobody says how many. */
const DEFAULT = 1;

/** The field, as a pointer. */
const REPLICAS = ["spec", "replicas"];

/** What an event has found out about a namespace: its autoscalers, or why they are not known. */
type Found = readonly Fields[] | string;

/** Each namespace is asked once for each event. */
const asked = new WeakMap<ApplyContext, Map<string, Promise<Found>>>();

async function autoscalersIn(
  namespace: string,
  apply: ApplyContext,
): Promise<Found> {
  const doing = `find the autoscalers in namespace "${namespace}"`;
  try {
    const answer = await apply.cluster.client.find({
      method: "GET",
      path:
        `/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`,
    }, { ...retrying(doing, apply), review: missingAsObject });
    return recordsOf(answer?.body.items);
  } catch (error) {
    if (error instanceof TransporterError && error.code === "denied") {
      return `whether an autoscaler looks after replicas is not known: ${error.message}`;
    }
    throw error;
  }
}

function askOnce(namespace: string, apply: ApplyContext): Promise<Found> {
  const known = asked.get(apply) ?? new Map<string, Promise<Found>>();
  asked.set(apply, known);
  const found = known.get(namespace) ?? autoscalersIn(namespace, apply);
  known.set(namespace, found);
  return found;
}

/** Whether an autoscaler is for an object, in whichever version of its kind. */
function isFor(
  { group, kind, name }: PlannedObject,
  { spec }: Fields,
): boolean {
  const { scaleTargetRef } = recordOf(spec);
  const target = recordOf(scaleTargetRef);
  const [first = "", second] = String(target.apiVersion ?? "").split("/");
  return target.kind === kind && target.name === name &&
    (target.apiVersion === undefined ||
      group === (second === undefined ? "" : first));
}

/** The autoscaler of an object, for people; what to say when it is not known. */
async function scalerOf(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<
  { readonly scaler: string | undefined; readonly notes: readonly string[] }
> {
  const found = await askOnce(object.namespace, apply);
  if (typeof found === "string") {
    const notes = [`${describeObject(object)}: ${found}`];
    return { scaler: undefined, notes };
  }
  const scaler = found.find((each) => isFor(object, each));
  return {
    scaler: scaler &&
      `the HorizontalPodAutoscaler "${recordOf(scaler.metadata).name}"`,
    notes: [],
  };
}

/** How many replicas an apply would make of those that are there; `undefined` when it leaves them. */
function replicasAfter(
  sent: PlannedObject,
  live: LiveObject,
  options: Options,
): number | undefined {
  const now = recordOf(live.spec).replicas;
  const isLeft = sent.ignored?.pointers.some((pointer) =>
    pointer.every((token, index) => token === REPLICAS[index])
  );
  if (typeof now !== "number" || isLeft) return undefined;
  const said = /\breplicas\b/.test(sent.body)
    ? recordOf(fieldsOf(sent).spec).replicas
    : undefined;
  const isOurs = managedFieldsOf(live).some((entry) =>
    isOwnedByUs(entry, options) &&
    isRecord(recordOf(recordOf(entry.fieldsV1)["f:spec"])["f:replicas"])
  );
  const next = said ?? (isOurs ? DEFAULT : now);
  return typeof next === "number" && next !== now ? next : undefined;
}

/**
 * Refuses to change the replicas of an object for which there is an autoscaler:
 * the server does so only as long as the autoscaler owns the field, which it
 * does not after somebody has scaled to zero. With `force_conflicts` it is only
 * said.
 *
 * @param object The object.
 * @param sent It, as it is sent.
 * @param live It, as it is.
 * @param apply How, and until when.
 * @returns What the producer should know.
 * @throws {TransporterError} `conflict`, naming the autoscaler and the ways out.
 */
export async function refuseScaled(
  object: PlannedObject,
  sent: PlannedObject,
  live: LiveObject,
  apply: ApplyContext,
): Promise<readonly string[]> {
  const { takesReplicas } = apply.options;
  const next = replicasAfter(sent, live, apply.options);
  if (next === undefined) return [];
  const { scaler, notes } = await scalerOf(object, apply);
  if (scaler === undefined) return notes;
  const what = describeObject(object);
  const now = recordOf(live.spec).replicas;
  const why = `${scaler} looks after its replicas, of which there are ${now}`;
  if (takesReplicas) return [`${what}: ${why}; by force they become ${next}`];
  throw new TransporterError(
    "conflict",
    `Cannot apply ${what}: ${why}, and not ${next}; name "/spec/replicas" in "ignore_fields" to leave them to it, or set "force_conflicts"`,
  );
}

/** What the producer of a patch should know when it has changed replicas. */
export async function patchedScaled(
  object: PlannedObject,
  changed: readonly string[],
  apply: ApplyContext,
): Promise<readonly string[]> {
  if (!changed.includes(".spec.replicas")) return [];
  const { scaler, notes } = await scalerOf(object, apply);
  return scaler === undefined ? notes : [
    `${
      describeObject(object)
    }: ${scaler} looks after its replicas, and may change them back`,
  ];
}

/** What the producer should know whose manifest says how many replicas there are, of an object that could not be looked at before. */
export async function appliedScaled(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<readonly string[]> {
  const says = /\breplicas\b/.test(object.body) &&
    recordOf(fieldsOf(object).spec).replicas !== undefined;
  return says ? await patchedScaled(object, [".spec.replicas"], apply) : [];
}
