import { openCluster, type Surroundings } from "../cluster.ts";
import { clusterUid } from "../cluster_identity.ts";
import { clusterOf } from "../impersonate.ts";
import { selfOf } from "../preflight/identity.ts";
import { type Asker, ifTold, isListed } from "../preflight/reviews.ts";
import type { Fields } from "../ready_parts.ts";
import type { ClusterName } from "./generate.ts";
import { rightsOf } from "./granted.ts";
import { rulesFor } from "./needs.ts";
import type { Account, PolicyRule } from "./rule.ts";

/** Whose rights are asked for, and where. */
export interface EffectiveRequest {
  /** The cluster, as an identity that it knows. */
  readonly cluster: ClusterName;
  /** A ServiceAccount that the identity may act as; itself unless given. */
  readonly account?: Account | undefined;
  /** The namespace. */
  readonly namespace: string;
}

/** What an identity may do. */
export interface EffectiveRights {
  /** The uid that an agent knows the cluster by; `undefined` when the identity may not see it. */
  readonly cluster: string | undefined;
  /** Its name, as the cluster has it. */
  readonly username: string;
  /** What it may do in the namespace, one line each; without what everybody may ask of oneself. */
  readonly rights: readonly string[];
  /** What it had better not be allowed: sentences without a final period. */
  readonly dangers: readonly string[];
  /** What it cannot do without, and what comes of that: sentences without a final period. */
  readonly lacks: readonly string[];
}

/** How long a cluster may take to answer, in milliseconds. */
const ASK_MS = 15_000;

function lineOf(rule: PolicyRule): string {
  const { apiGroups = [], resources = [], resourceNames = [], verbs } = rule;
  const names = resourceNames.map((name) => `"${name}"`).join(", ");
  return `${verbs.join(", ")} ${resources.join(", ")}${names && ` ${names}`}${
    apiGroups[0] === "" ? "" : ` (${apiGroups.join(", ")})`
  }`;
}

/** Rights that lead to others, or to what others keep secret; by what they say, in rules of any place. */
function* dangersIn(rules: readonly PolicyRule[]): Generator<string> {
  for (const { verbs, resources = [], resourceNames = [] } of rules) {
    const has = (list: readonly string[], word: string) =>
      list.includes(word) || list.includes("*");
    const what = resources.join(", ");
    if (verbs.includes("*") && resources.includes("*")) {
      yield "It may do everything with all kinds of an API group";
      continue;
    }
    if (has(verbs, "escalate") && /roles|\*/.test(what)) {
      yield `It may "escalate" ${what}, which is every right there is`;
    }
    if (
      has(verbs, "bind") && /roles|\*/.test(what) && resourceNames.length === 0
    ) yield `It may "bind" any of ${what}, to itself, too`;
    if (verbs.includes("impersonate") && resourceNames.length === 0) {
      yield `It may "impersonate" any of ${what}`;
    }
    if (has(resources, "nodes/proxy")) {
      yield "It may reach the kubelets through nodes/proxy, and so run commands in every Pod";
    }
  }
}

/** What is missing for what else is allowed. */
function lacksIn(rules: readonly Fields[], namespace: string): string[] {
  const events = { group: "events.k8s.io", resource: "events", name: "" };
  const isTold = isListed(rules, { ...events, namespace, verb: "create" });
  const writes = rules.some(({ verbs }) =>
    Array.isArray(verbs) && verbs.includes("patch")
  );
  return writes && !isTold
    ? [
      `It may not create Events in "${namespace}", so nothing there says which event has changed an object`,
    ]
    : [];
}

/**
 * Asks a cluster what an identity may do: in a namespace, and what it had better
 * not be allowed anywhere.
 *
 * @param request Whose rights, and where.
 * @param surroundings For asking the cluster.
 * @throws {TransporterError} `no_cluster`, `cluster_unavailable`, `unauthenticated`; `denied` when the identity may not act
 * as the ServiceAccount.
 */
export async function effectiveRights(
  request: EffectiveRequest,
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Promise<EffectiveRights> {
  const { account, namespace } = request;
  const { clock, signal } = surroundings;
  using own = await openCluster(request.cluster, surroundings);
  const as = account && {
    service_account: `${account.namespace}/${account.name}`,
  };
  const { client, reviews } = clusterOf(own, { as });
  const limits = { signal, until: clock.now() + ASK_MS };
  const asker: Asker = { client, identity: "", limits, warn() {} };
  const { username } = await selfOf(asker);
  const cluster = await ifTold(clusterUid({ client, clock }, signal));
  const everything = {
    namespace: "",
    group: "*",
    resource: "*",
    name: "",
    verb: "*",
  };
  const isAdmin = await reviews.isAllowed(everything, asker) === true;
  const listsSecrets = await reviews.isAllowed({
    ...everything,
    group: "",
    resource: "secrets",
    verb: "list",
  }, asker) === true;
  const given: readonly Fields[] = await reviews.rulesIn(namespace, asker);
  const rules = rulesFor(
    given.flatMap((rule) => [...rightsOf(rule, namespace)])
      .filter(({ resource }) => !resource.startsWith("selfsubject")),
  );
  return {
    cluster,
    username,
    rights: rules.map(lineOf),
    dangers: isAdmin
      ? ["It may do everything in the whole cluster, like cluster-admin"]
      : [
        ...new Set(dangersIn(rules)),
        ...(listsSecrets
          ? ["It may list the Secrets of the whole cluster"]
          : []),
      ],
    lacks: isAdmin ? [] : lacksIn(given, namespace),
  };
}
