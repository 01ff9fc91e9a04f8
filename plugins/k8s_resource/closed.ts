import { TransporterError } from "@transporter/sdk";
import type { ApplySetName } from "./apply_set.ts";
import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";

function denied(what: string, namespace: string): TransporterError {
  return new TransporterError(
    "denied",
    `Cannot touch ${what}: the namespace "${namespace}" is for the Jobs of scripts alone (--script-namespace of the agent)`,
    { details: { namespace } },
  );
}

/**
 * Refuses what is in a namespace that is none of this event type's, or is one
 * of them, whatever is asked of it.
 *
 * @param closed The names of such namespaces.
 * @param set The ApplySet of the event, whose account would be in a namespace, too.
 * @throws {TransporterError} `denied`.
 */
export function refuseClosed(
  objects: readonly PlannedObject[],
  closed: readonly string[],
  set: ApplySetName | undefined,
): void {
  if (set !== undefined && closed.includes(set.namespace)) {
    throw denied(`the ApplySet "${set.name}"`, set.namespace);
  }
  for (const object of objects) {
    const { group, kind, name } = object;
    const isOne = group === "" && kind === "Namespace";
    const namespace = isOne ? name : object.namespace;
    if (closed.includes(namespace)) {
      throw denied(describeObject(object), namespace);
    }
  }
}
