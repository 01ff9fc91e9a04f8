import { TransporterError } from "@transporter/sdk";
import {
  type ApplyContext,
  METADATA_ONLY,
  missingAsObject,
} from "../apply_calls.ts";
import { metadataOf } from "../change.ts";
import type { PlannedObject } from "../plan.ts";
import type { Asker } from "./reviews.ts";

/** Whether a namespace is being deleted; one that may not be looked at, or is not there, is not. */
async function isGoing(name: string, asker: Asker): Promise<boolean> {
  try {
    const found = await asker.client.find({
      method: "GET",
      path: `/api/v1/namespaces/${encodeURIComponent(name)}`,
      accept: METADATA_ONLY,
    }, {
      ...asker.limits,
      doing: `look at the namespace "${name}"`,
      review: missingAsObject,
    });
    return found !== undefined &&
      metadataOf(found.body).deletionTimestamp !== "";
  } catch (error) {
    if (error instanceof TransporterError && error.code === "denied") {
      return false;
    }
    throw error;
  }
}

/**
 * Finds out whether a namespace of an event's objects is being deleted: nothing
 * can be made in it any more. One that the event makes itself is waited for.
 *
 * @returns What is wrong; `undefined` when nothing is.
 * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
 */
export async function checkNamespaces(
  objects: readonly PlannedObject[],
  { cluster: { reviews } }: ApplyContext,
  asker: Asker,
): Promise<TransporterError | undefined> {
  const names = new Set(
    objects.filter(({ namespaceDeclared }) => !namespaceDeclared)
      .map(({ namespace }) => namespace).filter((name) => name !== ""),
  );
  for (const name of names) {
    const well = await reviews.isWell(
      `${asker.identity} namespace ${name}`,
      async () => !await isGoing(name, asker),
    );
    if (!well) {
      return new TransporterError(
        "conflict",
        `Cannot apply objects in namespace "${name}": it is being deleted, so nothing was begun; send the event again when it is there anew`,
      );
    }
  }
  return undefined;
}
