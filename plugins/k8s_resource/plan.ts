import type { ExecutorContext, TransporterError } from "@transporter/sdk";
import { checkUsable } from "./usable.ts";
import { applySetId, type ApplySetName, applySetOf } from "./apply_set.ts";
import { withMembership } from "./apply_set_label.ts";
import { refuseTwice } from "./bundle.ts";
import { type Cluster, phaseEnd, timeoutEnd } from "./cluster.ts";
import { directiveWarnings } from "./directives.ts";
import { withName } from "./generated.ts";
import { type Ignored, ignoredFields } from "./ignore_fields.ts";
import { apiVersionOf, type KindIndex, type KindPlace } from "./kind_index.ts";
import { isSecret } from "./is_secret.ts";
import {
  describeObject,
  type Manifest,
  type ObjectName,
  refuse,
} from "./manifest.ts";
import { ObjectStates } from "./object_states.ts";
import type { Options } from "./event_options.ts";
import type { Operation } from "./options.ts";

/** An object that is going to be applied or deleted, and where. */
export interface PlannedObject extends Manifest {
  /** Its path at the API server. */
  readonly path: string;
  /** The plural of its kind. */
  readonly resource: string;
  /** Its namespace is made by the same event. */
  readonly namespaceDeclared: boolean;
  /** Its kind is made known by the same event. */
  readonly kindDeclared: boolean;
  /** What of it is left alone. */
  readonly ignored?: Ignored | undefined;
  /** Its `body` without the version of the object that it is for, where a check has put one in. */
  readonly unpinned?: string;
}

/** What `validate` decided. */
export interface Plan {
  /** What is done with the objects, and how. */
  readonly options: Options;
  /** What is applied or deleted, in the order of the manifests. */
  readonly objects: readonly PlannedObject[];
  /** What the producer should know. */
  readonly warnings: readonly string[];
  /** When the event's `timeout` is over, which bounds all phases together, in milliseconds since 1970. */
  readonly end?: number | undefined;
  /** How far the event is with them; what phases tell each other. */
  readonly states: ObjectStates;
}

/**
 * How often the cluster is asked for a kind that it does not seem to have: it
 * may have come since we asked, and a CustomResourceDefinition is established
 * a moment before discovery tells of its kind.
 */
const ASKED_MAX = 3;

/** Operations that other tools would do otherwise when an object says so. */
const TOLD: ReadonlySet<Operation> = new Set(["apply", "delete", "diff"]);

/** Operations that send no patch to the API server. */
const READ_OR_DELETE: ReadonlySet<Operation> = new Set(["delete", "get"]);

/** Between two such questions, in milliseconds. */
const ASK_AGAIN_MS = 300;

/** What the cluster serves; asked for again, a few times, until it has all that is wanted. */
export async function indexWith(
  hasAll: (index: KindIndex) => boolean,
  { discovery, clock }: Pick<Cluster, "discovery" | "clock">,
  limits: { readonly signal: AbortSignal; readonly until: number },
): Promise<KindIndex> {
  let index = await discovery.index(limits);
  for (let asked = 0; asked < ASKED_MAX && !hasAll(index); asked++) {
    if (asked > 0) await clock.sleep(ASK_AGAIN_MS, limits);
    index = await discovery.reload(limits);
  }
  return index;
}

/** The path of an object at its API server. */
export function pathOf(
  object: {
    readonly group: string;
    readonly version: string;
    readonly namespace: string;
    readonly name: string;
  },
  place: KindPlace,
): string {
  const root = object.group === "" ? "/api/" : "/apis/";
  const namespace = place.namespaced
    ? `/namespaces/${encodeURIComponent(object.namespace)}`
    : "";
  const name = encodeURIComponent(object.name);
  return `${root}${apiVersionOf(object)}${namespace}/${place.resource}/${name}`;
}

/** Where the kinds are that the CustomResourceDefinitions of the event declare. */
export function declaredPlaces(
  manifests: readonly Manifest[],
): ReadonlyMap<string, KindPlace> {
  return new Map(
    manifests.flatMap(({ declares }) =>
      (declares?.versions ?? []).map((version): [string, KindPlace] => [
        `${declares?.group}/${version}/${declares?.kind}`,
        {
          kind: declares?.kind ?? "",
          resource: declares?.resource ?? "",
          namespaced: declares?.namespaced ?? false,
          patchable: true,
        },
      ])
    ),
  );
}

/** What keeps account of a set cannot be a member of it. */
function refuseParent(
  objects: readonly PlannedObject[],
  { namespace, name }: ApplySetName,
): void {
  const parent = objects.find((object) =>
    isSecret(object) && object.namespace === namespace && object.name === name
  );
  if (parent === undefined) return;
  throw refuse(
    "invalid_manifest",
    parent.place,
    `${
      describeObject(parent)
    } keeps account of the ApplySet, so it cannot be in it`,
  );
}

function unknownKind(index: KindIndex, object: Manifest): TransporterError {
  const { place, kind, group } = object;
  return index.isStale(object)
    ? refuse(
      "cluster_unavailable",
      place,
      `the server of the API group "${group}" does not answer, so its kinds are not known`,
    )
    : refuse("unknown_kind", place, index.explain(object, kind));
}

/**
 * Names each object that has no name yet, and finds its place in the cluster.
 *
 * @param read The objects of the payload's manifests.
 * @param options What is going to be done with them.
 * @param cluster The cluster.
 * @param context The event's.
 * @throws {TransporterError} `unknown_kind`, `invalid_manifest`, `invalid_yaml`, `invalid` or `cluster_unavailable`.
 */
export async function makePlan(
  read: readonly Manifest[],
  options: Options,
  cluster: Cluster,
  context: ExecutorContext,
): Promise<Plan> {
  const eventId = context.idempotencyKey;
  for (const object of read) checkUsable(options.operation, object);
  const set = applySetOf(options, cluster);
  const found = read.map((object, index) => {
    const named = withName(object, { eventId, index });
    return set ? withMembership(named, applySetId(set)) : named;
  });
  const end = timeoutEnd(cluster, options);
  // What stands is not given up as the server is away when the agent starts.
  const until = options.everyMs === undefined
    ? phaseEnd(cluster, context, { options, end })
    : context.deadline;
  const limits = { signal: context.signal, until };
  const declared = declaredPlaces(found);
  const namespaces = namespacesIn(found);
  const placeIn = (index: KindIndex, object: Manifest) =>
    declared.get(`${object.group}/${object.version}/${object.kind}`) ??
      index.find(object, object.kind);
  const index = await indexWith(
    (index) => found.every((object) => placeIn(index, object)),
    cluster,
    limits,
  );
  const warnings: string[] = [];
  const ignored = ignoredFields(options.ignoreFields, found);
  const objects = found.map((manifest): PlannedObject => {
    const place = placeIn(index, manifest);
    if (place === undefined) throw unknownKind(index, manifest);
    if (!READ_OR_DELETE.has(options.operation) && !place.patchable) {
      throw refuse(
        "unsupported",
        manifest.place,
        `nothing of the kind "${manifest.kind}" can be applied or patched`,
      );
    }
    if (!place.namespaced && manifest.namespace !== "") {
      warnings.push(
        `${
          describeObject(manifest)
        }: the namespace is ignored, as the kind has none`,
      );
    }
    // Generators write one into each definition, which nobody means.
    if (
      manifest.reports && place.statusApart === true &&
      manifest.declares === undefined && options.operation === "apply"
    ) {
      warnings.push(
        `${
          describeObject(manifest)
        }: its "status" is not applied, as it is for the kind's controller to write`,
      );
    }
    const namespace = place.namespaced
      ? manifest.namespace || options.namespace || cluster.namespace
      : "";
    const object = { ...manifest, namespace };
    return {
      ...object,
      path: pathOf(object, place),
      resource: place.resource,
      ignored: ignored.get(manifest),
      namespaceDeclared: namespaces.has(namespace),
      kindDeclared: declared.has(
        `${object.group}/${object.version}/${object.kind}`,
      ),
    };
  });
  refuseTwice(objects);
  if (set !== undefined) refuseParent(objects, set);
  if (TOLD.has(options.operation)) {
    warnings.push(...directiveWarnings(objects));
  }
  const states = new ObjectStates(cluster.clock, objects);
  return { options, objects, warnings, end, states };
}

function namespacesIn(objects: readonly ObjectName[]): ReadonlySet<string> {
  return new Set(
    objects.filter(({ group, kind }) => group === "" && kind === "Namespace")
      .map(({ name }) => name),
  );
}
