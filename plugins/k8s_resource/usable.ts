import { type Manifest, refuse } from "./manifest.ts";
import type { Operation } from "./options.ts";

/** Operations that send the manifests, and not only names in them. */
const SENDING: ReadonlySet<Operation> = new Set(["apply", "diff", "check"]);

/**
 * Refuses an object with which an operation can do nothing, or harm.
 *
 * @param operation What is going to be done.
 * @param object The object.
 * @throws {TransporterError} `invalid_manifest`: it has no name, and the operation makes none up; it says when it was
 * deleted, so that the server would make an object that is on its way out from the beginning (seen on 1.36.3).
 */
export function checkUsable(
  operation: Operation,
  { name, dying, place }: Pick<Manifest, "name" | "dying" | "place">,
): void {
  if (name === "" && operation !== "apply") {
    throw refuse(
      "invalid_manifest",
      place,
      `the operation "${operation}" needs a "metadata.name"`,
    );
  }
  if (dying && SENDING.has(operation)) {
    throw refuse(
      "invalid_manifest",
      place,
      'its "metadata.deletionTimestamp" would have the object vanish; it was read while that was being deleted: take it out',
    );
  }
}
