import { isBulky } from "../collection.ts";
import type { Manifest } from "../manifest.ts";
import { fieldsOf } from "../object_fields.ts";
import { becomesReady } from "../ready.ts";
import { recordOf } from "../ready_parts.ts";
import { WORKLOADS } from "../ready_workloads.ts";
import type { Need } from "./needs.ts";

/** An object of a manifest, and where it is in a cluster. */
export interface PlacedObject extends Manifest {
  /** The plural of its kind. */
  readonly resource: string;
}

/** What is done with the objects. */
export interface Work {
  /** They are deleted, too. */
  readonly deletes: boolean;
  /** It is waited until they are ready. */
  readonly waits: boolean;
  /** Other objects of the same kinds count, too. */
  readonly anyName: boolean;
  /** Events say in the cluster which event has changed an object. */
  readonly tells: boolean;
  /** Policies of the agent judge each write; absent: they do not. */
  readonly gated?: boolean;
}

/** Where Events are about objects that have no namespace. */
const EVENTS_OF_CLUSTER = "default";

/** What is done with one object, whatever else there is. */
function* writing(object: PlacedObject, work: Work): Generator<Need> {
  const { namespace, group, resource } = object;
  const isUnnamed = work.anyName || object.name === "";
  const name = isUnnamed ? undefined : object.name;
  for (const verb of ["get", "create", "patch"]) {
    yield { namespace, group, resource, name, verb };
  }
  if (!work.deletes) return;
  yield { namespace, group, resource, name, verb: "delete" };
}

/** What says in the cluster who has changed an object. */
function telling({ namespace }: PlacedObject): Need {
  return {
    namespace: namespace || EVENTS_OF_CLUSTER,
    group: "events.k8s.io",
    resource: "events",
    verb: "create",
  };
}

/** What tells why an object is not ready. */
function* explaining({ namespace, group, kind }: PlacedObject) {
  const list = { verb: "list", namespace: namespace || EVENTS_OF_CLUSTER };
  yield { ...list, group: "", resource: "events" };
  if (WORKLOADS[`${group}/${kind}`] === undefined) return;
  if (kind === "Deployment") yield { ...list, group, resource: "replicasets" };
  if (kind !== "Pod") yield { ...list, group: "", resource: "pods" };
}

/** What a claim for a volume waits for is a matter of its class. */
function classOf(object: PlacedObject): Need[] {
  if (object.group !== "" || object.kind !== "PersistentVolumeClaim") return [];
  const { storageClassName: name } = recordOf(fieldsOf(object).spec);
  return [{
    namespace: "",
    group: "storage.k8s.io",
    resource: "storageclasses",
    name: typeof name === "string" && name !== "" ? name : undefined,
    verb: "get",
  }];
}

/** The built-in kinds with replicas that an autoscaler may look after. */
const SCALED: ReadonlySet<string> = new Set([
  "apps/Deployment",
  "apps/ReplicaSet",
  "apps/StatefulSet",
  "/ReplicationController",
]);

/**
 * Who may change replicas looks whether there is an autoscaler for them. A
 * manifest that leaves them out may, too: what an earlier one said goes back
 * to the default. Of a custom kind only a manifest with replicas tells that
 * it has any.
 */
function* scaling(object: PlacedObject): Generator<Need> {
  const { namespace, group, kind } = object;
  const { replicas } = recordOf(fieldsOf(object).spec);
  if (!SCALED.has(`${group}/${kind}`) && typeof replicas !== "number") return;
  const resource = "horizontalpodautoscalers";
  yield { namespace, group: "autoscaling", resource, verb: "list" };
}

/** What waiting needs. Objects of one kind and namespace are followed together, and one that is alone by its name. */
function* waiting(
  objects: readonly PlacedObject[],
  work: Work,
): Generator<Need> {
  const awaited = objects.filter((object) => becomesReady(object));
  const collections = Map.groupBy(
    awaited,
    ({ namespace, group, resource }) => `${group}/${resource}/${namespace}`,
  );
  for (const [, each] of collections) {
    const [first] = each;
    if (first === undefined) continue;
    const { namespace, group, resource, name } = first;
    const isAlone = each.length === 1 && name !== "" && !work.anyName;
    if (isBulky(first)) continue; // looked at one by one
    for (const verb of ["list", "watch"]) {
      yield {
        namespace,
        group,
        resource,
        name: isAlone ? name : undefined,
        verb,
      };
    }
  }
  for (const object of awaited) {
    yield* explaining(object);
    yield* classOf(object);
  }
}

/** What is looked at before several objects are applied: whether their namespace goes, and what its quotas have left. */
function* checking(objects: readonly PlacedObject[]): Generator<Need> {
  const made = new Set(
    objects.filter(({ group, kind }) => group === "" && kind === "Namespace")
      .map(({ name }) => name),
  );
  const places = new Set(objects.map(({ namespace }) => namespace));
  for (const namespace of places) {
    if (namespace === "" || made.has(namespace)) continue;
    const core = { namespace, group: "" };
    yield { ...core, resource: "namespaces", name: namespace, verb: "get" };
    yield { ...core, resource: "resourcequotas", verb: "list" };
  }
}

/** What policies of an agent look at beside the object, which is read in any case: its Namespace. */
function* judging(objects: readonly PlacedObject[]): Generator<Need> {
  for (const name of new Set(objects.map(({ namespace }) => namespace))) {
    if (name === "") continue;
    yield {
      ...{ namespace: name, group: "", resource: "namespaces" },
      ...{ name, verb: "get" },
    };
  }
}

/** What an identity has to be allowed to work with objects. */
export function* needsOf(
  objects: readonly PlacedObject[],
  work: Work,
): Generator<Need> {
  for (const object of objects) {
    yield* writing(object, work);
    yield* scaling(object);
  }
  if (objects.length > 1) yield* checking(objects);
  if (work.gated) yield* judging(objects);
  if (work.waits) yield* waiting(objects, work);
  if (work.tells) yield* objects.map(telling);
}
