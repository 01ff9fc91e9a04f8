import {
  type Account,
  type ApiObject,
  bindingOf,
  type PolicyRule,
  roleOf,
} from "./rule.ts";

/** As whom events act, by their option `as`. */
export interface Acting {
  /** The ServiceAccount. */
  readonly account: Account;
  /** The groups, in place of those of every ServiceAccount. */
  readonly groups: readonly string[];
  /** What else authorizers see: key and value. */
  readonly extra: readonly (readonly [key: string, value: string])[];
}

/** The rules for groups and extra fields, which are of no namespace. */
function* clusterRules({ groups, extra }: Acting): Generator<PolicyRule> {
  const verbs = ["impersonate"];
  if (groups.length > 0) {
    yield {
      apiGroups: [""],
      resources: ["groups"],
      resourceNames: groups,
      verbs,
    };
  }
  // The key is a part of a header's name, which servers read in small letters.
  const byKey = Map.groupBy(extra, ([key]) => key.toLowerCase());
  for (const [key, pairs] of byKey) {
    yield {
      apiGroups: ["authentication.k8s.io"],
      resources: [`userextras/${key}`],
      resourceNames: pairs.map(([, value]) => value),
      verbs,
    };
  }
}

/**
 * The right to act as somebody, and as nobody else.
 *
 * @param acting As whom.
 * @param grant What the roles and bindings are called, and who gets them.
 * @see {@link https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/}
 */
export function actingRights(
  acting: Acting,
  { name, account }: { readonly name: string; readonly account: Account },
): ApiObject[] {
  const { namespace, name: who } = acting.account;
  const rules = [...clusterRules(acting)];
  const role = { name, namespace, kind: "Role" } as const;
  const wide = { name, kind: "ClusterRole" } as const;
  return [
    roleOf({
      ...role,
      rules: [{
        apiGroups: [""],
        resources: ["serviceaccounts"],
        resourceNames: [who],
        verbs: ["impersonate"],
      }],
    }),
    bindingOf(role, account),
    ...(rules.length === 0
      ? []
      : [roleOf({ ...wide, rules }), bindingOf(wide, account)]),
  ];
}
