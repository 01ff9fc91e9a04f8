import type { Cluster } from "./cluster.ts";
import type { Options } from "./event_options.ts";

/** As whom requests are made, as the payload says it. */
export interface Identity {
  /** Whose rights are used: `NAMESPACE/NAME`. */
  readonly service_account: string;
  /** The groups, in place of those of every ServiceAccount. */
  readonly groups?: readonly string[] | undefined;
  /** What else the API server's authorizers and its audit see. */
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** A header, and its value. */
export type Header = readonly [name: string, value: string];

/**
 * The headers with which a request is made as somebody else.
 *
 * @param identity As whom.
 * @see {@link https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/}
 */
function impersonationOf(identity: Identity): readonly Header[] {
  const [namespace, name] = identity.service_account.split("/");
  return [
    ["impersonate-user", `system:serviceaccount:${namespace}:${name}`],
    ...(identity.groups ?? []).map((group): Header => [
      "impersonate-group",
      group,
    ]),
    ...Object.entries(identity.extra ?? {}).flatMap(([key, values]) =>
      values.map((value): Header => [
        `impersonate-extra-${encodeURIComponent(key)}`,
        value,
      ])
    ),
  ];
}

/**
 * The cluster as an event may use it. With `as`, every request is made as that
 * identity, reads and watches too: one with the agent's own rights would give
 * away what the identity may not see. Only discovery keeps the agent's, which
 * is the same for everybody.
 *
 * @param cluster The agent's.
 * @param options The event's.
 */
export function clusterOf(
  cluster: Cluster,
  { as }: Pick<Options, "as">,
): Cluster {
  return as === undefined
    ? cluster
    : { ...cluster, client: cluster.client.with(impersonationOf(as)) };
}
