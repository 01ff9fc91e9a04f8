import { TransporterError } from "@transporter/sdk";
import { applySetId, type ApplySetName, type Scope } from "./apply_set.ts";
import { readTurns, type Turn, writeTurns } from "./apply_set_turns.ts";
import { type LiveObject, metadataOf } from "./change.ts";
import { NAMESPACE_REGEXP } from "./option_shapes.ts";
import type { PlannedObject } from "./plan.ts";
import { recordOf } from "./ready_parts.ts";

/** Whose ApplySets are ours; another tool's are refused, whatever its version. */
const TOOL = "transporter";

/** The names of the KEP. */
const ID = "applyset.kubernetes.io/id";
const TOOLING = "applyset.kubernetes.io/tooling";
const KINDS = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES = "applyset.kubernetes.io/additional-namespaces";

/** Ours: the events that had their turn. */
const EVENTS = "transporter/apply-set-events";

/** What a parent says. */
export interface ParentState {
  /** Its version; empty when it is not there. */
  readonly version: string;
  /** Where members may be. */
  readonly scope: Scope;
  /** The events that had their turn, the last one at the end. */
  readonly turns: readonly Turn[];
}

/** Names an ApplySet for people. */
export function describeParent({ namespace, name }: ApplySetName): string {
  return `the ApplySet "${namespace}/${name}"`;
}

/** The parent as an object that calls are made for. */
export function parentObject({ namespace, name }: ApplySetName): PlannedObject {
  return memberObject(
    { group: "", version: "v1", kind: "Secret", namespace, name },
    `/api/v1/namespaces/${namespace}/secrets/${name}`,
  );
}

/** An object that no manifest names. */
export function memberObject(
  object: Pick<
    PlannedObject,
    "group" | "version" | "kind" | "namespace" | "name"
  >,
  path: string,
): PlannedObject {
  const { group, version } = object;
  return {
    ...object,
    apiVersion: group === "" ? version : `${group}/${version}`,
    generateName: undefined,
    body: "",
    place: { manifest: 0, document: 0, line: 0 },
    pinned: false,
    dying: false,
    reports: false,
    directives: [],
    declares: undefined,
    path,
    resource: path.split("/").at(-2) ?? "",
    namespaceDeclared: false,
    kindDeclared: false,
  };
}

function refuse(set: ApplySetName, why: string): TransporterError {
  return new TransporterError(
    "conflict",
    `Cannot use Secret "${set.name}" in namespace "${set.namespace}" as ${
      describeParent(set)
    }: ${why}`,
  );
}

function listOf(text: unknown): ReadonlySet<string> {
  const all = typeof text === "string" ? text.split(",") : [];
  return new Set(all.map((each) => each.trim()).filter((each) => each !== ""));
}

/**
 * Reads a parent.
 *
 * @param object The Secret, of which only the metadata counts.
 * @param set Which ApplySet it should be of.
 * @throws {TransporterError} `conflict`: it is none, or another tool's.
 */
export function readParent(
  object: LiveObject,
  set: ApplySetName,
): ParentState {
  const metadata = recordOf(object.metadata);
  const labels = recordOf(metadata.labels);
  const annotations = recordOf(metadata.annotations);
  const id = applySetId(set);
  const tooling = annotations[TOOLING];
  if (typeof tooling !== "string" || labels[ID] === undefined) {
    throw refuse(set, "it is there, and does not keep account of one");
  }
  if (tooling.split("/")[0] !== TOOL) {
    throw refuse(set, `"${tooling}" looks after it`);
  }
  if (labels[ID] !== id) {
    throw refuse(set, `its label "${ID}" is "${labels[ID]}", not "${id}"`);
  }
  if (typeof annotations[KINDS] !== "string") {
    throw refuse(set, `it has no annotation "${KINDS}"`);
  }
  const namespaces = listOf(annotations[NAMESPACES]);
  // They go into the paths of lists.
  const odd = [...namespaces].find((each) => !NAMESPACE_REGEXP.test(each));
  if (odd !== undefined) {
    throw refuse(set, `its annotation "${NAMESPACES}" names "${odd}"`);
  }
  const { resourceVersion: version, deletionTimestamp } = metadataOf(object);
  if (deletionTimestamp !== "") throw refuse(set, "it is being deleted");
  const turns = readTurns(String(annotations[EVENTS] ?? "[]"));
  if (turns === undefined) {
    throw refuse(
      set,
      `its annotation "${EVENTS}" cannot be read; take it out if no older event can come`,
    );
  }
  return {
    version,
    scope: { kinds: listOf(annotations[KINDS]), namespaces },
    turns,
  };
}

/** What is sent to write a parent: a new one, or a change for the version that was read. */
export function bodyOf(
  set: ApplySetName,
  { version, scope, turns }: ParentState,
): LiveObject {
  const { namespace, name } = set;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      namespace,
      name,
      ...(version === "" ? {} : { resourceVersion: version }),
      labels: { [ID]: applySetId(set) },
      annotations: {
        [TOOLING]: `${TOOL}/v0.1.0`,
        [KINDS]: [...scope.kinds].sort().join(","),
        [NAMESPACES]: [...scope.namespaces].sort().join(","),
        [EVENTS]: writeTurns(turns),
      },
    },
  };
}
