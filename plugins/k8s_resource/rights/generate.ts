import { nearest, type TransporterError } from "@transporter/sdk";
import { applySetOf } from "../apply_set.ts";
import { checkManifests } from "../bundle.ts";
import { type Cluster, openCluster, type Surroundings } from "../cluster.ts";
import type { KindIndex } from "../kind_index.ts";
import { type Manifest, refuse } from "../manifest.ts";
import { declaredPlaces } from "../plan.ts";
import { grantedBy } from "./granted.ts";
import { BUILT_IN, builtInPlace, type RightsPlace } from "./kinds.ts";
import { type Acting, actingRights } from "./acting.ts";
import { type Need, rulesFor } from "./needs.ts";
import { needsOf, type PlacedObject, type Work } from "./object_needs.ts";
import { pruning } from "./prune_needs.ts";
import { type Account, type ApiObject, bindingOf, roleOf } from "./rule.ts";

/** A cluster, by a kubeconfig. */
export interface ClusterName {
  /** The file, or several with colons between them. */
  readonly kubeconfig: string;
  /** A context of it; the current one unless given. */
  readonly context?: string | undefined;
}

/** What rights are asked for. */
export interface RightsRequest extends Work {
  /** Texts, as a payload has them. */
  readonly manifests: readonly string[];
  /** The namespace of objects that name none; `default` unless given. */
  readonly namespace?: string | undefined;
  /** The ApplySet that the objects are of, as `NAME` or `NAMESPACE/NAME`: what it prunes. */
  readonly applySet?: string | undefined;
  /** What the roles and their bindings are called. */
  readonly name: string;
  /** Who gets them. */
  readonly account: Account;
  /** As whom events act; then that ServiceAccount gets the rights, and `account` that of acting as it. */
  readonly as?: Acting | undefined;
  /** Which cluster is asked for kinds that neither Kubernetes nor the manifests know. */
  readonly cluster?: ClusterName | undefined;
}

/** The answer to a {@linkcode RightsRequest}. */
export interface Rights {
  /** Roles and bindings, in the order in which they can be applied. */
  readonly objects: readonly ApiObject[];
  /** What else to know: sentences without a final period. */
  readonly notes: readonly string[];
}

/** How long a cluster may take to tell its kinds, in milliseconds. */
const ASK_MS = 15_000;

async function kindsOf(
  config: ClusterName,
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Promise<KindIndex> {
  const { clock, signal } = surroundings;
  using cluster: Cluster = await openCluster(config, surroundings);
  const until = clock.now() + ASK_MS;
  return await cluster.discovery.index({ signal, until });
}

/** Says why nobody knows a kind, and what would help. */
function unknownKind(
  object: Manifest,
  index: KindIndex | undefined,
): TransporterError {
  const { group, kind, apiVersion, place } = object;
  if (index !== undefined) {
    return refuse("unknown_kind", place, index.explain(object, kind));
  }
  const known = Object.hasOwn(BUILT_IN, group) ? BUILT_IN[group] : undefined;
  const kinds = [...known?.namespaced ?? [], ...known?.cluster ?? []];
  const near = nearest(kind, kinds, { ignoreCase: true });
  const why = known === undefined
    ? `the kind "${kind}" of "${apiVersion}" is none of Kubernetes' own: add its CustomResourceDefinition to the files, or name a cluster that knows it with --kubeconfig`
    : `Kubernetes has no "${kind}" in "${apiVersion}" that can be applied` +
      (near === undefined ? "" : `; the nearest is "${near}"`);
  return refuse("unknown_kind", place, why);
}

/** Finds out where the objects are. */
function placed(
  objects: readonly Manifest[],
  { namespace = "default", index }: {
    readonly namespace?: string | undefined;
    readonly index: KindIndex | undefined;
  },
): PlacedObject[] {
  const declared = declaredPlaces(objects);
  return objects.map((object) => {
    const { group, version, kind } = object;
    const place: RightsPlace | undefined =
      declared.get(`${group}/${version}/${kind}`) ??
        index?.find(object, kind) ?? builtInPlace(object);
    if (place === undefined) throw unknownKind(object, index);
    return {
      ...object,
      resource: place.resource,
      namespace: place.namespaced ? object.namespace || namespace : "",
    };
  });
}

function notesOn(
  objects: readonly PlacedObject[],
  read: readonly Manifest[],
  namespace: string | undefined,
): string[] {
  const used = new Set(objects.map((object) => object.namespace));
  const made = objects.filter(({ group, kind, name }) =>
    group === "" && kind === "Namespace" && used.has(name)
  );
  const isAssumed = namespace === undefined &&
    objects.some((object, index) =>
      object.namespace !== "" && read[index]?.namespace === ""
    );
  return [
    ...(isAssumed
      ? [
        'Objects that name no namespace are taken to be in "default": --namespace names another',
      ]
      : []),
    ...made.map(({ name }) =>
      `The namespace "${name}" has to be there before its Role can be: make it first`
    ),
  ];
}

/**
 * The least rights with which an agent can apply manifests: a Role for each
 * namespace, a ClusterRole for what belongs to the whole cluster, and their
 * bindings. Asks a cluster only if one is named.
 *
 * @param request The manifests, and what is done with them.
 * @param surroundings For asking a cluster.
 * @throws {TransporterError} As a payload with these manifests; `unknown_kind`; `no_cluster`,
 * `cluster_unavailable`, `unauthenticated` or `denied` when a cluster is named.
 */
export async function generateRights(
  request: RightsRequest,
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Promise<Rights> {
  const { name, account, namespace, cluster } = request;
  const read = await checkManifests(request.manifests);
  const index = cluster === undefined
    ? undefined
    : await kindsOf(cluster, surroundings);
  const objects = placed(read, { namespace, index });
  const granted = grantedBy(objects);
  const set = applySetOf({ applySet: request.applySet, namespace }, {
    namespace: "default",
  });
  const needs: Need[] = [
    ...needsOf(objects, request),
    ...granted.needs,
    ...(set === undefined ? [] : pruning(set, objects)),
  ];
  const byPlace = Map.groupBy(needs, (need) => need.namespace);
  if (granted.urls.length > 0 && !byPlace.has("")) byPlace.set("", []);
  const places = [...byPlace].sort(([a], [b]) => a < b ? -1 : 1);
  const worker = request.as?.account ?? account;
  const rights = places.flatMap(([where, each]) => {
    const place = where === "" ? {} : { namespace: where };
    const kind = where === "" ? "ClusterRole" : "Role";
    const rules = [
      ...rulesFor(each),
      ...(where === "" ? granted.urls : []),
    ];
    return [
      roleOf({ name, rules, ...place }),
      bindingOf({ name, kind, ...place }, worker),
    ];
  });
  return {
    objects: [
      ...rights,
      ...(request.as === undefined
        ? []
        : actingRights(request.as, { name: `${name}-as`, account })),
    ],
    notes: [
      ...notesOn(objects, read, namespace),
      ...granted.notes,
      ...(request.gated
        ? [
          "What policies of the agent look up by their paramKind has to be allowed besides: get, or list where a binding selects by labels",
        ]
        : []),
    ],
  };
}
