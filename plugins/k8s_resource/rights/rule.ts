/** A rule of a Role, as Kubernetes writes it. @see {@link https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/role-v1/} */
export interface PolicyRule {
  /** The API groups; the core group is empty. */
  readonly apiGroups?: readonly string[];
  /** The resources: plurals, and `nodes/proxy` for a subresource. */
  readonly resources?: readonly string[];
  /** The names of the objects; all of them when absent. */
  readonly resourceNames?: readonly string[];
  /** The paths that are no resources; in rules for the whole cluster only. */
  readonly nonResourceURLs?: readonly string[];
  /** What may be done. */
  readonly verbs: readonly string[];
}

/** An object of the API, as JSON. */
export type ApiObject = Readonly<Record<string, unknown>>;

/** The API group of Roles and their bindings. */
export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** A ServiceAccount. */
export interface Account {
  /** Its namespace. */
  readonly namespace: string;
  /** Its name. */
  readonly name: string;
}

/** What a role is bound with. */
export interface Grant {
  /** The name of the role and of its binding. */
  readonly name: string;
  /** Where it holds; absent: in the whole cluster. */
  readonly namespace?: string;
  /** What it allows. */
  readonly rules: readonly PolicyRule[];
}

/** A Role, or a ClusterRole where no namespace is named. */
export function roleOf({ name, namespace, rules }: Grant): ApiObject {
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: namespace === undefined ? "ClusterRole" : "Role",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    rules,
  };
}

/**
 * Gives a role to a ServiceAccount.
 *
 * @param role The name of the role, its kind, and where the binding holds; absent: in the whole cluster.
 * @param account Who gets it.
 */
export function bindingOf(
  role: {
    readonly name: string;
    readonly kind: "Role" | "ClusterRole";
    readonly namespace?: string;
  },
  account: Account,
): ApiObject {
  const { name, kind, namespace } = role;
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: RBAC_GROUP, kind, name },
    subjects: [{ kind: "ServiceAccount", ...account }],
  };
}
