import { TransporterError } from "@transporter/sdk";
import { type ApplyContext, limitsOf, look } from "../apply_calls.ts";
import type { LiveObject } from "../change.ts";
import { describeObject } from "../manifest.ts";
import type { PlannedObject } from "../plan.ts";
import { type Fields, recordOf, recordsOf } from "../ready_parts.ts";
import { fieldsOf } from "../object_fields.ts";
import type { Asker } from "./reviews.ts";
import { narrowedIn } from "./schema_narrowing.ts";

/** What of a schema is named in one warning. */
const NAMED_MAX = 5;

function versionsOf(definition: Fields): ReadonlyMap<string, Fields> {
  return new Map(
    recordsOf(recordOf(definition.spec).versions)
      .map((each) => [String(each.name), each]),
  );
}

/** What the server would refuse, once objects before the definition are applied. */
function lossOf(
  object: PlannedObject,
  live: LiveObject,
  next: Fields,
): TransporterError | undefined {
  const what = describeObject(object);
  const { scope } = recordOf(live.spec);
  const wanted = recordOf(next.spec).scope;
  if (wanted !== undefined && wanted !== scope) {
    return new TransporterError(
      "immutable",
      `Cannot apply ${what}: its scope is "${scope}" and cannot become "${wanted}", so nothing was begun`,
    );
  }
  const { storedVersions } = recordOf(live.status);
  const stored = Array.isArray(storedVersions)
    ? storedVersions.map(String)
    : [];
  const versions = versionsOf(next);
  const lost = stored.find((version) => !versions.has(version));
  return lost === undefined ? undefined : new TransporterError(
    "invalid",
    `Cannot apply ${what}: objects are stored in the version "${lost}", which it has no more, so nothing was begun; ` +
      'store them in another version first, and take this one out of "status.storedVersions"',
  );
}

/** What objects that are there, or those who ask for them, may miss. */
function* narrowingsOf(live: LiveObject, next: Fields): Generator<string> {
  const after = versionsOf(next);
  for (const [name, before] of versionsOf(live)) {
    const now = after.get(name);
    if (before.served === true && now?.served !== true) {
      yield `the version "${name}" is not served any more`;
    }
    if (now === undefined) continue;
    const schema = (version: Fields) =>
      recordOf(recordOf(version.schema).openAPIV3Schema);
    const narrowed = [...narrowedIn(schema(before), schema(now))];
    if (narrowed.length === 0) continue;
    const more = narrowed.length - NAMED_MAX;
    yield `in the version "${name}" ${narrowed.slice(0, NAMED_MAX).join(", ")}${
      more > 0 ? ` (and ${more} more)` : ""
    }: objects that are there may not fit`;
  }
}

/** Asks for an object in each version, which a webhook has to convert. */
async function* failuresOf(
  { declares }: PlannedObject,
  live: LiveObject,
  asker: Asker,
): AsyncGenerator<string> {
  const { strategy } = recordOf(recordOf(live.spec).conversion);
  if (strategy !== "Webhook" || declares === undefined) return;
  for (const [name, { served }] of versionsOf(live)) {
    if (served !== true) continue;
    try {
      await asker.client.call({
        method: "GET",
        path: `/apis/${declares.group}/${name}/${declares.resource}?limit=1`,
      }, { ...asker.limits, until: 0, doing: `read the version "${name}"` });
    } catch (error) {
      if (!(error instanceof TransporterError)) throw error;
      if (error.class === "cancelled") throw error;
      // What else is wrong with reading them says nothing of the webhook.
      if (/conversion webhook/.test(error.message)) {
        yield `its conversion webhook fails: ${error.message}`;
      }
    }
  }
}

/**
 * Looks at definitions of kinds that are there: whether what is stored stays
 * readable. A schema that takes less is warned of, as nobody knows whether any
 * object has what it leaves out.
 *
 * @returns What the server would refuse; `undefined` when nothing.
 * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
 */
export async function checkDefinitions(
  objects: readonly PlannedObject[],
  apply: ApplyContext,
  asker: Asker,
): Promise<TransporterError | undefined> {
  if (apply.options.createOnly) return undefined;
  for (const object of objects) {
    if (object.declares === undefined) continue;
    const live = await look(
      { method: "GET", path: object.path },
      limitsOf(object, apply, "read"),
      apply,
    );
    if (!live) continue;
    const next = fieldsOf(object);
    const loss = lossOf(object, live, next);
    if (loss !== undefined) return loss;
    const what = describeObject(object);
    for (const text of narrowingsOf(live, next)) asker.warn(`${what}: ${text}`);
    for await (const text of failuresOf(object, live, asker)) {
      asker.warn(`${what}: ${text}`);
    }
  }
  return undefined;
}
