import { type ApplyContext, limitsOf, missingAsObject } from "./apply_calls.ts";
import { readPath } from "./json_path.ts";
import { describeObject } from "./manifest.ts";
import type { Mask } from "./mask.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { resultOf } from "./result.ts";

/**
 * Reads fields of an object.
 *
 * @param object The object.
 * @param apply Where, which fields, and until when.
 * @param mask Hides what must not be shown.
 * @throws {TransporterError} The code of the server's answer. An object that is not there is no error.
 */
export async function getObject(
  object: PlannedObject,
  apply: ApplyContext,
  mask: Mask,
): Promise<Done> {
  const what = describeObject(object);
  const limits = limitsOf(object, apply, "read");
  const found = await apply.cluster.client.find(
    { method: "GET", path: object.path },
    {
      ...limits,
      review: missingAsObject,
    },
  );
  if (found === undefined) {
    return { result: resultOf(object, "missing", `${what} is not there`) };
  }
  const shown = mask.object(object, found.body);
  const values = apply.options.fields.map((text): [string, unknown] => [
    text,
    mask.value(readPath(text).find(shown)),
  ]);
  return {
    result: {
      ...resultOf(object, "found", `${what} is there`),
      // A path that leads nowhere is told as null, as JSON has no `undefined`.
      fields: Object.fromEntries(
        values.map(([text, value]) => [text, value ?? null]),
      ),
    },
    warnings: [],
  };
}
