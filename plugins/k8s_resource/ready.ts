import { customObject, isCustom } from "./ready_custom.ts";
import { OBJECTS } from "./ready_objects.ts";
import {
  type Fields,
  isReady,
  type Parts,
  type Readiness,
  recordOf,
  type Rule,
  waits,
} from "./ready_parts.ts";
import { ENDS, WORKLOADS } from "./ready_workloads.ts";

export type { Fields, Readiness } from "./ready_parts.ts";

const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...WORKLOADS, ...OBJECTS }),
);

/** What tells how objects of a kind become ready. */
interface Kind {
  readonly group: string;
  readonly kind: string;
}

function ruleFor(kind: Kind): Rule | undefined {
  return RULES.get(`${kind.group}/${kind.kind}`) ??
    (isCustom(kind) ? customObject : undefined);
}

/** What an object that goes waits for. */
function goingOf({ finalizers }: Fields): string {
  const going = "it is being deleted";
  if (!Array.isArray(finalizers) || finalizers.length === 0) return going;
  const names = finalizers.map((name) => `"${name}"`).join(", ");
  return `${going}, and held by the finalizers ${names}`;
}

/** Whether objects of a kind become ready some time after they are applied; all others are ready at once. */
export function becomesReady(kind: Kind): boolean {
  return ruleFor(kind) !== undefined;
}

function kindOf(object: Fields): Kind {
  const apiVersion = String(object.apiVersion ?? "");
  const group = apiVersion.includes("/")
    ? apiVersion.slice(0, apiVersion.indexOf("/"))
    : "";
  return { group, kind: String(object.kind) };
}

function partsOf({ metadata, spec, status }: Fields): Parts {
  return {
    metadata: recordOf(metadata),
    spec: recordOf(spec),
    status: recordOf(status),
  };
}

/**
 * How a Job or a Pod that goes, or is gone, has ended: a Job with
 * `ttlSecondsAfterFinished` goes as soon as it has. Pure.
 *
 * @param object The object as it was seen last.
 * @param condition Takes the place of the kind's own rule.
 * @returns `undefined` when it had not ended, or is of another kind.
 */
export function ending(
  object: Fields,
  condition?: (object: Fields) => Readiness,
): Readiness | undefined {
  const { group, kind } = kindOf(object);
  const endOf = ENDS[`${group}/${kind}`];
  if (endOf === undefined) return undefined;
  if (condition === undefined) return endOf(partsOf(object));
  const state = condition(object);
  return state.ready ? state : undefined;
}

/**
 * Says whether an object is ready, still on its way, or lost. Pure: looks at
 * nothing but the object.
 *
 * @param object The object as the API server gives it.
 * @param condition Takes the place of the kind's own rule.
 * @see {@link https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus}
 */
export function readiness(
  object: Fields,
  condition?: (object: Fields) => Readiness,
): Readiness {
  const metadata = recordOf(object.metadata);
  if (metadata.deletionTimestamp) {
    return ending(object, condition) ?? waits(goingOf(metadata));
  }
  if (condition !== undefined) return condition(object);
  const rule = ruleFor(kindOf(object));
  return rule === undefined
    ? isReady("it is ready once it is applied")
    : rule(partsOf(object));
}
