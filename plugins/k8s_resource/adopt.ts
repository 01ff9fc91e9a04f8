import { isRecord, TransporterError } from "@transporter/sdk";
import { applySetId, applySetOf } from "./apply_set.ts";
import { PART_OF } from "./options.ts";
import type { ApplyContext } from "./apply_calls.ts";
import { type LiveObject, managedFieldsOf, ownedBy } from "./change.ts";
import { describeObject, type ObjectName } from "./manifest.ts";

/** How a tool marks the objects that it looks after. */
interface Mark {
  readonly tool: string;
  readonly in: "labels" | "annotations";
  readonly key: string;
  /** Field managers of the tool; a mark that others set, too, counts when one of them owns it. */
  readonly setBy?: readonly string[];
}

/**
 * @see {@link https://helm.sh/docs/topics/charts_hooks/}
 * @see {@link https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/}
 * @see {@link https://fluxcd.io/flux/components/kustomize/kustomizations/#garbage-collection}
 * @see {@link https://carvel.dev/kapp/docs/latest/state-namespace/}
 * @see {@link https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/inventory/policy.go}
 */
const MARKS: readonly Mark[] = [
  {
    tool: "the Helm release",
    in: "annotations",
    key: "meta.helm.sh/release-name",
  },
  {
    tool: "the Argo CD application",
    in: "annotations",
    key: "argocd.argoproj.io/tracking-id",
  },
  {
    tool: "the Argo CD application",
    in: "labels",
    key: "argocd.argoproj.io/instance",
  },
  {
    tool: "the Argo CD application",
    in: "labels",
    key: "app.kubernetes.io/instance", // by default up to version 2; charts have it, too
    setBy: ["argocd-controller", "argocd-application-controller"],
  },
  {
    tool: "the Flux Kustomization",
    in: "labels",
    key: "kustomize.toolkit.fluxcd.io/name",
  },
  {
    tool: "the Flux HelmRelease",
    in: "labels",
    key: "helm.toolkit.fluxcd.io/name",
  },
  { tool: "the kapp app", in: "labels", key: "kapp.k14s.io/app" },
  {
    tool: "the kpt inventory", // Config Sync's, too
    in: "annotations",
    key: "config.k8s.io/owning-inventory",
  },
];

function fieldAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => isRecord(at) ? at[key] : undefined,
    value,
  );
}

/**
 * Who else looks after an object: `the Helm release "shop"`; `undefined` when
 * nobody says so. A mark that the manager's own applies have set is a part of
 * the manifests, and no sign of another tool.
 *
 * @param object The object as it is.
 * @param manager The field manager of our applies.
 */
export function ownerOf(
  object: LiveObject,
  manager: string,
): string | undefined {
  const fields = ownedBy(object, manager)?.fields;
  for (const { tool, in: where, key, setBy } of MARKS) {
    const value = fieldAt(object, ["metadata", where, key]);
    if (typeof value !== "string" || value === "") continue;
    const field = ["f:metadata", `f:${where}`, `f:${key}`];
    const isTheirs = setBy === undefined ||
      managedFieldsOf(object).some((entry) =>
        setBy.includes(String(entry.manager)) &&
        fieldAt(entry.fieldsV1, field) !== undefined
      );
    const ours = fieldAt(fields, field);
    if (isTheirs && ours === undefined) return `${tool} "${value}"`;
  }
  return undefined;
}

/** The ApplySet that an object is a member of, unless it is the event's own. */
function otherSet(
  object: LiveObject,
  { options, cluster }: Pick<ApplyContext, "options" | "cluster">,
): string | undefined {
  const id = fieldAt(object, ["metadata", "labels", PART_OF]);
  const own = applySetOf(options, cluster);
  if (typeof id !== "string" || own && applySetId(own) === id) return undefined;
  return `the ApplySet "${id}"`;
}

/**
 * What a producer should know who has an object deleted that somebody else
 * looks after; `undefined` when nobody does. An ApplySet counts when another
 * tool has put the object into it: one of ours goes by a delete of its objects.
 *
 * @param object Which object.
 * @param live The object as it was.
 * @param apply How.
 */
export function deletedForeign(
  object: ObjectName,
  live: LiveObject,
  apply: Pick<ApplyContext, "options" | "cluster">,
): string | undefined {
  const { fieldManager } = apply.options;
  const { fields } = ownedBy(live, fieldManager) ?? {};
  const label = ["f:metadata", "f:labels", `f:${PART_OF}`];
  const owner = ownerOf(live, fieldManager) ??
    (fieldAt(fields, label) === undefined ? otherSet(live, apply) : undefined);
  return owner &&
    `${describeObject(object)}: ${owner} looks after it, and may make it again`;
}

/**
 * What a producer should know who has an object changed that could not be
 * looked at before, and that somebody else looks after.
 *
 * @param object Which object.
 * @param live The object as it is now.
 * @param apply How.
 */
export function appliedForeign(
  object: ObjectName,
  live: LiveObject,
  apply: Pick<ApplyContext, "options" | "cluster">,
): readonly string[] {
  const owner = ownerOf(live, apply.options.fieldManager) ??
    otherSet(live, apply);
  return owner === undefined ? [] : [
    `${
      describeObject(object)
    }: ${owner} looks after it, and may change it back`,
  ];
}

function refusal(object: ObjectName, why: string): TransporterError {
  return new TransporterError(
    "conflict",
    `Cannot apply ${describeObject(object)}: ${why}`,
  );
}

/**
 * Refuses an object that is there and may not be taken over, by the option
 * `adopt`.
 *
 * @param object Which object.
 * @param live The object as it is.
 * @param apply How.
 * @param differs Whether an apply would change it; asked only when that matters.
 * @throws {TransporterError} `conflict`, naming who looks after it and the way out.
 */
export async function refuseForeign(
  object: ObjectName,
  live: LiveObject,
  apply: Pick<ApplyContext, "options" | "cluster">,
  differs: () => Promise<boolean>,
): Promise<void> {
  const { adopt, fieldManager } = apply.options;
  if (adopt === "always") return;
  const owner = ownerOf(live, fieldManager) ?? otherSet(live, apply);
  const isOurs = ownedBy(live, fieldManager) !== undefined &&
    owner === undefined;
  if (isOurs) return;
  const who = owner ?? "somebody else";
  if (adopt === "never") {
    throw refusal(
      object,
      `it is there and was made by ${who}, and "adopt" is "never"`,
    );
  }
  if (adopt === "if_no_diff") {
    if (!await differs()) return;
    throw refusal(
      object,
      `it is there, was made by ${who} and would change, and "adopt" is "if_no_diff"`,
    );
  }
  if (owner === undefined) return;
  throw refusal(
    object,
    `${owner} looks after it; change it there, or set "adopt" to "always" to take it over`,
  );
}
