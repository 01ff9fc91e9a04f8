import { isRecord } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import {
  isApplyOf,
  type LiveObject,
  managedFieldsOf,
  metadataOf,
} from "./change.ts";
import type { CallOptions } from "./client.ts";
import { givenUp } from "./give_up.ts";
import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import type { Fields } from "./ready_parts.ts";

/** The managers of `kubectl apply` without `--server-side`, and of what was there before anybody kept account. */
const CLIENT_SIDE: readonly string[] = [
  "kubectl-client-side-apply",
  "before-first-apply",
];

/** Helm's, which writes as it likes; taken over only with `adopt: always`. */
const HELM = "helm";

/** The fields of both; each node is a map, and a leaf an empty one. @see {@link https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management} */
function union(a: unknown, b: unknown): unknown {
  if (!isRecord(a)) return b;
  if (!isRecord(b)) return a;
  const all: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    all[key] = union(all[key], value);
  }
  return all;
}

/**
 * The entries of `managedFields` with those of client-side managers in ours;
 * `undefined` when there is nothing to take over. Pure; the rule is that of
 * client-go: an entry of another version of the API is dropped, as its fields
 * have other names.
 *
 * @param entries The object's.
 * @param manager Ours.
 * @param from Whose are taken over.
 * @see {@link https://github.com/kubernetes/client-go/blob/master/util/csaupgrade/upgrade.go}
 */
export function migrated(
  entries: readonly Fields[],
  manager: string,
  from: readonly string[],
): readonly Fields[] | undefined {
  const isOld = (entry: Fields) =>
    from.includes(String(entry.manager)) && entry.operation === "Update" &&
    !entry.subresource;
  const old = entries.filter(isOld);
  const [first] = old;
  if (first === undefined) return undefined;
  const isOurs = (entry: Fields) => isApplyOf(manager, entry);
  const ours = entries.find(isOurs) ??
    { ...first, manager, operation: "Apply", fieldsV1: {} };
  const fieldsV1 = old
    .filter(({ apiVersion }) => apiVersion === ours.apiVersion)
    .reduce<unknown>(
      (all, entry) => union(all, entry.fieldsV1),
      ours.fieldsV1,
    );
  return [
    { ...ours, fieldsV1 },
    ...entries.filter((entry) => !isOld(entry) && !isOurs(entry)),
  ];
}

/**
 * Takes over the fields that client-side applies have set. They would stay
 * alive for ever when a manifest drops them, even with force, as a manager that
 * applies no more owns them still (seen on 1.36.3). The annotation in which
 * `kubectl` keeps what it applied last goes with the next apply, as it is ours
 * now and no part of the manifest. What is left alone is given up with it.
 *
 * @param object Which object.
 * @param live The object as it is.
 * @param limits Those of the call.
 * @param apply Where and how.
 * @returns What the producer should know; empty when nothing was to be done; `undefined` when the object
 * changed meanwhile and has to be looked at again.
 * @throws {TransporterError} The code of the server's answer.
 */
export async function takeOver(
  object: PlannedObject,
  live: LiveObject,
  limits: CallOptions,
  apply: ApplyContext,
): Promise<readonly string[] | undefined> {
  const { adopt, fieldManager, dryRun } = apply.options;
  const from = adopt === "always" ? [...CLIENT_SIDE, HELM] : CLIENT_SIDE;
  const entries = managedFieldsOf(live);
  const ours = migrated(entries, fieldManager, from);
  const after = object.ignored === undefined
    ? ours
    : givenUp(ours ?? entries, fieldManager, object.ignored) ?? ours;
  if (after === undefined || (dryRun && ours === undefined)) return [];
  const names = entries.map(({ manager }) => String(manager))
    .filter((name) => from.includes(name)).map((name) => `"${name}"`);
  const whose = [...new Set(names)].join(" and ");
  if (dryRun) {
    return [
      `${
        describeObject(object)
      }: an apply would take over the fields of ${whose}, which this dry run cannot show`,
    ];
  }
  let outdated = false;
  const taken = await apply.cluster.client.call({
    method: "PATCH",
    path: object.path,
    contentType: "application/json-patch+json",
    body: JSON.stringify([
      { op: "replace", path: "/metadata/managedFields", value: after },
      {
        op: "replace",
        path: "/metadata/resourceVersion",
        value: metadataOf(live).resourceVersion,
      },
    ]),
  }, {
    ...limits,
    review(verdict, since) {
      outdated = verdict.code === "conflict" &&
        apply.cluster.clock.now() < apply.until;
      const reviewed = limits.review?.(verdict, since) ?? verdict;
      return outdated ? { ...reviewed, transient: false } : reviewed;
    },
  }).catch((error) => {
    if (outdated) return undefined;
    throw error;
  });
  if (taken === undefined) return undefined;
  if (ours === undefined) return [];
  return [`${describeObject(object)}: the fields of ${whose} were taken over`];
}
