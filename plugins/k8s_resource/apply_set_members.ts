import { TransporterError } from "@transporter/sdk";
import { Anew } from "./anew.ts";
import {
  applySetId,
  type ApplySetName,
  groupKindOf,
  readGroupKind,
  type Scope,
} from "./apply_set.ts";
import { directivesIn } from "./directives.ts";
import { describeParent, memberObject } from "./apply_set_record.ts";
import { type ApplyContext, retrying } from "./apply_calls.ts";
import type { LiveObject } from "./change.ts";
import type { KindIndex, KindPlace } from "./kind_index.ts";
import { PART_OF } from "./options.ts";
import { indexWith, pathOf, type PlannedObject } from "./plan.ts";
import { type Fields, recordOf, recordsOf } from "./ready_parts.ts";

/** Members in a page of a list, of which only the metadata comes. */
const PAGE = 500;

const METADATA_LIST =
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/** A member of a set, as it was found. */
export interface Member {
  /** The object. */
  readonly object: PlannedObject;
  /** Its metadata. */
  readonly seen: LiveObject;
}

/** A kind whose objects are looked for. */
interface Kind {
  readonly group: string;
  readonly version: string;
  readonly place: KindPlace;
  /** The event makes it known, so that a dry run cannot find it. */
  readonly declared: boolean;
}

/** Whether an object says that it is a member. */
export function isMember(object: LiveObject, set: ApplySetName): boolean {
  return recordOf(recordOf(object.metadata).labels)[PART_OF] ===
    applySetId(set);
}

/** A controller made it, and copied the labels of its owner, as it does with EndpointSlices. */
function isControlled(object: Fields): boolean {
  return recordsOf(recordOf(object.metadata).ownerReferences)
    .some(({ controller }) => controller === true);
}

/** Where the kind of an object of the event is served. */
function kindOf(object: PlannedObject): Kind {
  const { group, version, kind, namespace, resource, kindDeclared } = object;
  return {
    group,
    version,
    declared: kindDeclared,
    place: {
      kind,
      resource,
      namespaced: namespace !== "",
      patchable: true,
    },
  };
}

/** Looks up the kinds in which there may be members; one that is not known ends it, as its members would be lost. */
async function kindsOf(
  scope: Scope,
  set: ApplySetName,
  objects: readonly PlannedObject[],
  apply: ApplyContext,
): Promise<Kind[]> {
  const { cluster, context, until } = apply;
  const limits = { signal: context.signal, until };
  const known = new Map(
    objects.map((object) => [groupKindOf(object), kindOf(object)]),
  );
  const findIn = (index: KindIndex) => (name: string): Kind | undefined => {
    const { group, kind } = readGroupKind(name);
    const found = index.findKind(group, kind);
    return known.get(name) ?? (found && { group, declared: false, ...found });
  };
  const names = [...scope.kinds];
  const index = await indexWith(
    (index) => names.every(findIn(index)),
    cluster,
    limits,
  );
  const find = findIn(index);
  const lost = names.find((name) => find(name) === undefined);
  if (lost === undefined) {
    return names.map(find).filter((kind) => kind !== undefined);
  }
  const stale = index.isStale({ ...readGroupKind(lost), version: "" });
  throw new TransporterError(
    stale ? "cluster_unavailable" : "unknown_kind",
    `Cannot prune ${describeParent(set)}: ${
      stale
        ? `the server of the kind "${lost}" does not answer`
        : `the cluster has no kind "${lost}" any more, in which the set may have members; if there are none, take it out of the annotation of the Secret`
    }`,
  );
}

/** Lists the members of a kind, in a namespace if it has any. */
async function listMembers(
  kind: Kind,
  namespace: string,
  set: ApplySetName,
  apply: ApplyContext,
): Promise<Member[]> {
  const { group, version, place, declared } = kind;
  const { dryRun } = apply.options;
  const where = { group, version, namespace };
  const path = pathOf({ ...where, name: "" }, place).slice(0, -1);
  const doing = `find the members of ${
    describeParent(set)
  } of the kind "${place.kind}"`;
  const found: Member[] = [];
  const anew = new Anew(apply.cluster, {
    signal: apply.context.signal,
    until: apply.until,
  });
  for (let token = "";;) {
    let expired = false;
    const query = new URLSearchParams({
      labelSelector: `${PART_OF}=${applySetId(set)}`,
      limit: String(PAGE),
      ...(token && { continue: token }),
    });
    const answer = await apply.cluster.client.find({
      method: "GET",
      path: `${path}?${query}`,
      accept: METADATA_LIST,
    }, {
      ...retrying(doing, apply),
      review(verdict) {
        expired = verdict.expired === true && token !== "";
        if (expired) return { ...verdict, code: "cluster_unavailable" };
        if (verdict.missing !== "kind" || !declared) return verdict;
        return dryRun
          ? { ...verdict, missing: "object" }
          : { ...verdict, transient: true };
      },
    }).catch(async (error) => {
      if (expired && await anew.pause()) return undefined;
      throw error;
    });
    if (expired) {
      found.length = 0;
      token = "";
      continue;
    }
    if (answer === undefined) return found;
    for (const item of recordsOf(answer.body.items)) {
      if (isControlled(item)) continue;
      const metadata = recordOf(item.metadata);
      const name = String(metadata.name);
      const object = { ...where, kind: place.kind, name };
      found.push({
        object: {
          ...memberObject(object, pathOf(object, place)),
          directives: directivesIn(metadata),
        },
        seen: item,
      });
    }
    token = String(recordOf(answer.body.metadata).continue ?? "");
    if (token === "") return found;
  }
}

/**
 * Finds the members of an ApplySet, wherever its parent says that there may be
 * some. What a controller made in the image of a member is none.
 *
 * @param scope Where.
 * @param set Which set.
 * @param objects The event's own, whose kinds are known.
 * @param apply The event's.
 * @throws {TransporterError} `unknown_kind` or `cluster_unavailable`, naming the kind; else the code of the
 * server's answer.
 */
export async function findMembers(
  scope: Scope,
  set: ApplySetName,
  objects: readonly PlannedObject[],
  apply: ApplyContext,
): Promise<readonly Member[]> {
  const found: Member[] = [];
  for (const kind of await kindsOf(scope, set, objects, apply)) {
    const namespaces = kind.place.namespaced
      ? [set.namespace, ...scope.namespaces]
      : [""];
    for (const namespace of namespaces) {
      found.push(...await listMembers(kind, namespace, set, apply));
    }
  }
  return found;
}
