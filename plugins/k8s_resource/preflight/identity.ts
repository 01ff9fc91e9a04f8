import { fieldsOf } from "../object_fields.ts";
import type { PlannedObject } from "../plan.ts";
import { type Fields, recordOf, recordsOf } from "../ready_parts.ts";
import { RBAC_GROUP } from "../rights/rule.ts";
import { type Asker, ifTold } from "./reviews.ts";

/** Who asks, as the server sees it. */
export interface Self {
  /** Its name. */
  readonly username: string;
  /** Its groups. */
  readonly groups: readonly string[];
}

const SERVICE_ACCOUNT = "system:serviceaccount:";

/** Whether a subject of a binding is who asks. */
function isSelf(
  { kind, name, namespace }: Fields,
  { username, groups }: Self,
): boolean {
  switch (kind) {
    case "ServiceAccount":
      return username === `${SERVICE_ACCOUNT}${namespace}:${name}`;
    case "Group":
      return groups.includes(String(name));
    default:
      return username === name;
  }
}

/**
 * Asks the cluster who asks.
 *
 * @throws {TransporterError} As `ApiClient.call`; `denied` or `unsupported` when it does not say.
 */
export async function selfOf({ client, limits }: Asker): Promise<Self> {
  const { body } = await client.call({
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    contentType: "application/json",
    body: "{}",
  }, { ...limits, doing: "ask the cluster who we are" });
  const { username, groups } = recordOf(recordOf(body.status).userInfo);
  return {
    username: String(username),
    groups: Array.isArray(groups) ? groups.map(String) : [],
  };
}

/**
 * Whether a binding among the objects gives rights to whoever applies it, so
 * that more is allowed later than now.
 *
 * @throws {TransporterError} `cluster_unavailable` or `unauthenticated`.
 */
export async function grantsTo(
  objects: readonly PlannedObject[],
  asker: Asker,
): Promise<boolean> {
  const bindings = objects.filter(({ group, kind }) =>
    group === RBAC_GROUP && kind.endsWith("Binding")
  );
  if (bindings.length === 0) return false;
  const self = await ifTold(selfOf(asker));
  return self === undefined ||
    bindings.some((binding) =>
      recordsOf(fieldsOf(binding).subjects)
        .some((subject) => isSelf(subject, self))
    );
}
