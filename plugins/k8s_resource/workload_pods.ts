import type { Reader } from "./reader.ts";
import { selectorOf } from "./label_selector.ts";
import { type Fields, recordOf, recordsOf } from "./ready_parts.ts";

/** Pods of a workload that are looked at. */
const PODS_MAX = 50;

/** What runs the pods of a workload: by whom they are owned, and how to find them. */
interface Owner {
  readonly uid: string;
  readonly selector: string;
}

/** What is found of a workload. */
export interface WorkloadPods {
  /** Who makes the pods, by uid: what goes wrong there is told in its Events. */
  readonly maker: string;
  /** The pods of the newest template, without those that are going. */
  readonly pods: readonly Fields[];
}

/** Of a Deployment the ReplicaSets, whose newest one makes the pods of the newest template. */
const REVISION = "deployment.kubernetes.io/revision";

/** Which template of a DaemonSet a pod is of: the annotation of the one is a label of the other. */
const GENERATION = "deprecated.daemonset.template.generation";

function uidOf({ metadata }: Fields): string {
  return String(recordOf(metadata).uid ?? "");
}

function isOwnedBy({ metadata }: Fields, uid: string): boolean {
  return recordsOf(recordOf(metadata).ownerReferences)
    .some((each) => each.controller === true && each.uid === uid);
}

function annotationOf({ metadata }: Fields, name: string): string | undefined {
  const value = recordOf(recordOf(metadata).annotations)[name];
  return typeof value === "string" ? value : undefined;
}

/** The ReplicaSet that makes the pods of a Deployment's newest template. */
async function newestReplicaSet(
  live: Fields,
  namespace: string,
  reader: Reader,
): Promise<Owner | undefined> {
  const selector = selectorOf(recordOf(recordOf(live.spec).selector));
  const found = await reader.list(
    `/apis/apps/v1/namespaces/${namespace}/replicasets`,
    { labelSelector: selector },
  );
  const own = found?.filter((each) => isOwnedBy(each, uidOf(live))) ?? [];
  const revision = (each: Fields) => Number(annotationOf(each, REVISION) ?? 0);
  const [newest] = own.toSorted((a, b) => revision(b) - revision(a));
  if (newest === undefined) return undefined;
  const hash = recordOf(recordOf(newest.metadata).labels)["pod-template-hash"];
  return {
    uid: uidOf(newest),
    selector: hash ? `${selector},pod-template-hash=${hash}` : selector,
  };
}

/** The labels that tell the pods of the newest template from older ones. */
function newestLabels(kind: string, live: Fields): Fields {
  if (kind === "StatefulSet") {
    const { updateRevision } = recordOf(live.status);
    return updateRevision ? { "controller-revision-hash": updateRevision } : {};
  }
  const generation = kind === "DaemonSet"
    ? annotationOf(live, GENERATION)
    : undefined;
  return generation === undefined
    ? {}
    : { "pod-template-generation": generation };
}

async function ownerOf(
  kind: string,
  live: Fields,
  { namespace, reader }: {
    readonly namespace: string;
    readonly reader: Reader;
  },
): Promise<Owner | undefined> {
  if (kind === "Deployment") {
    return await newestReplicaSet(live, namespace, reader);
  }
  const selector = selectorOf(
    recordOf(recordOf(live.spec).selector),
    newestLabels(kind, live),
  );
  return { uid: uidOf(live), selector };
}

/**
 * Finds the pods of a workload's newest template: what is wrong with older
 * ones is what the rollout may be there to change.
 *
 * @param kind The workload's kind.
 * @param live The workload as the API server has it.
 * @param options Its namespace, and how to read.
 */
export async function podsOf(
  kind: string,
  live: Fields,
  options: { readonly namespace: string; readonly reader: Reader },
): Promise<WorkloadPods> {
  if (kind === "Pod") return { maker: uidOf(live), pods: [live] };
  const owner = await ownerOf(kind, live, options);
  if (owner === undefined) return { maker: uidOf(live), pods: [] };
  const found = await options.reader.list(
    `/api/v1/namespaces/${options.namespace}/pods`,
    { labelSelector: owner.selector, limit: String(PODS_MAX) },
  );
  const pods = found?.filter((each) =>
    isOwnedBy(each, owner.uid) &&
    recordOf(each.metadata).deletionTimestamp === undefined
  );
  return { maker: owner.uid, pods: pods ?? [] };
}
