import {
  conditionOf,
  fails,
  type Fields,
  isReady,
  isUnseen,
  messageOf,
  numberOf,
  type Parts,
  type Readiness,
  unchecked,
  UNSEEN,
  waits,
} from "./ready_parts.ts";
import { BUILT_IN } from "./built_in.ts";

/** Whether the kinds of a group are somebody's own. */
export function isCustom({ group }: { readonly group: string }): boolean {
  return !BUILT_IN.has(group);
}

/** The conditions that mean "usable", the first of them that is there counts. */
const GOOD = ["Ready", "Available"] as const;

/** A condition may say which state of the object it is about; an older one is no answer. */
function isOutdated(condition: Fields, { metadata }: Parts): boolean {
  const generation = numberOf(metadata.generation);
  return numberOf(condition.observedGeneration, generation) < generation;
}

/**
 * An object of a kind that nobody here knows: by the conventions that its
 * controller may follow. Where it follows none, the object counts as ready,
 * and that is said.
 *
 * @see {@link https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus#conditions}
 */
export function customObject(parts: Parts): Readiness {
  const { status } = parts;
  if (status.observedGeneration !== undefined && isUnseen(parts)) return UNSEEN;
  const stalled = conditionOf(status, "Stalled", "True");
  if (stalled !== undefined && !isOutdated(stalled, parts)) {
    return fails(`it is stalled: ${messageOf(stalled)}`);
  }
  const reconciling = conditionOf(status, "Reconciling", "True");
  if (reconciling !== undefined) {
    return waits(`its controller is at work: ${messageOf(reconciling)}`);
  }
  const good = GOOD.map((type) => conditionOf(status, type))
    .find((each) => each !== undefined);
  if (good === undefined) {
    return unchecked('it has no condition "Ready" that would say so');
  }
  if (isOutdated(good, parts)) return UNSEEN;
  return good.status === "True" ? isReady() : waits(
    `its condition "${good.type}" is "${good.status}": ${messageOf(good)}`,
  );
}
