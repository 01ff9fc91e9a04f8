import { isRecord, TransporterError } from "@transporter/sdk";
import { isSecret } from "./is_secret.ts";
import type { Manifest } from "./manifest.ts";
import type { GivenOptions } from "./options.ts";

/** Where the values of a Secret are. */
const VALUES_REGEXP = /^\/data\//;

function isInValues(pointer: unknown): boolean {
  return typeof pointer === "string" && VALUES_REGEXP.test(pointer);
}

/**
 * Refuses steps of a JSON patch that could take a value of a Secret to where it
 * is shown: `copy` and `move` stay within its `data`.
 *
 * @param patch The payload's `patch`.
 * @param objects The objects of its manifests.
 * @throws {TransporterError} `invalid`: a step does not.
 */
export function checkSteps(
  patch: GivenOptions["patch"],
  objects: readonly Pick<Manifest, "group" | "kind">[],
): void {
  if (!Array.isArray(patch)) return;
  if (!objects.some(isSecret)) return;
  for (const [index, step] of patch.entries()) {
    if (!isRecord(step) || step.from === undefined) continue;
    if (isInValues(step.from) && isInValues(step.path)) continue;
    throw new TransporterError(
      "invalid",
      `Cannot accept the payload: "patch.${index}": "copy" and "move" stay within "/data" of a Secret, as its values would be shown elsewhere`,
    );
  }
}
