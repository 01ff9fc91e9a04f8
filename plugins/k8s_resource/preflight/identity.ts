import { TransporterError } from "@transporter/sdk";
import type { PlannedObject } from "../plan.ts";
import { type Fields, recordOf, recordsOf } from "../ready_parts.ts";
import { readYaml } from "../yaml_document.ts";
import type { Asker } from "./reviews.ts";

/** Who asks, as the server sees it. */
interface Self {
  readonly username: string;
  readonly groups: readonly string[];
}

const SERVICE_ACCOUNT = "system:serviceaccount:";

/** The object in a manifest. */
export function fieldsOf({ body }: Pick<PlannedObject, "body">): Fields {
  return recordOf(readYaml(body).value);
}

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

async function selfOf({ client, limits }: Asker): Promise<Self | undefined> {
  try {
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
  } catch (error) {
    const isRefused = error instanceof TransporterError &&
      ["denied", "unsupported", "unknown_kind"].includes(error.code);
    if (isRefused) return undefined;
    throw error;
  }
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
    group === "rbac.authorization.k8s.io" && kind.endsWith("Binding")
  );
  if (bindings.length === 0) return false;
  const self = await selfOf(asker);
  return self === undefined ||
    bindings.some((binding) =>
      recordsOf(fieldsOf(binding).subjects)
        .some((subject) => isSelf(subject, self))
    );
}
