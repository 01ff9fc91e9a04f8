import { TransporterError } from "@transporter/sdk";
import { send } from "../send.ts";
import { type ApplyContext, limitsOf } from "../apply_calls.ts";
import type { PlannedObject } from "../plan.ts";
import { recordOf } from "../ready_parts.ts";
import { RBAC_GROUP } from "../rights/rule.ts";
import { fieldsOf } from "../object_fields.ts";
import { grantsTo } from "./identity.ts";
import type { Asker } from "./reviews.ts";

/** Whether an object is a binding of a role that the same event applies: the server cannot judge it before. */
function bindsOwn(
  object: PlannedObject,
  objects: readonly PlannedObject[],
): boolean {
  if (!object.kind.endsWith("Binding")) return false;
  const { kind, name } = recordOf(fieldsOf(object).roleRef);
  return objects.some((each) =>
    each.group === RBAC_GROUP && each.kind === kind && each.name === name &&
    (kind === "ClusterRole" || each.namespace === object.namespace)
  );
}

/** What the server says against granting what a role or a binding grants, by a dry run. */
async function refusalOf(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<TransporterError | undefined> {
  const options = { ...apply.options, dryRun: true, forceConflicts: true };
  try {
    await send(object, limitsOf(object, apply), { ...apply, options });
    return undefined;
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    if (error.retryable || error.class === "cancelled") throw error;
    return error.code === "denied" ? error : undefined; // what else is wrong is told when it is applied
  }
}

/**
 * Finds out whether the roles and bindings of an event may be granted: nobody
 * gives away what they do not have, unless they may `bind` or `escalate`, which
 * no review of rights tells.
 *
 * @returns What the server says; `undefined` when it would take them.
 * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
 */
export async function checkGrants(
  objects: readonly PlannedObject[],
  apply: ApplyContext,
  asker: Asker,
): Promise<TransporterError | undefined> {
  const { dryRun, createOnly } = apply.options;
  if (dryRun || createOnly) return undefined;
  const granting = objects.filter((object) =>
    object.group === RBAC_GROUP && !object.namespaceDeclared &&
    object.generateName === undefined && !bindsOwn(object, objects)
  );
  for (const object of granting) {
    const refusal = await refusalOf(object, apply);
    if (refusal === undefined) continue;
    if (await grantsTo(objects, asker)) return undefined;
    return new TransporterError(
      refusal.code,
      `${refusal.message}; nothing was begun`,
      { cause: refusal },
    );
  }
  return undefined;
}
