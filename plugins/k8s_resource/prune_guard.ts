import { ownerOf } from "./adopt.ts";
import { type ApplySetName, guardedKindOf } from "./apply_set.ts";
import { isMember, type Member } from "./apply_set_members.ts";
import type { LiveObject } from "./change.ts";
import type { Options } from "./event_options.ts";
import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";

/**
 * Which members of an ApplySet are not pruned although an event does not have
 * them any more: those of kinds with which much more goes, and those that
 * somebody else looks after since they were applied, with what they are in.
 */
export class PruneGuard {
  readonly #set: ApplySetName;
  readonly #options: Options;
  readonly #kept = new Map<PlannedObject, string>();
  /** The ones that somebody else looks after. */
  readonly #foreign: PlannedObject[] = [];

  /** Looks at the members as they were found. */
  constructor(
    set: ApplySetName,
    members: readonly Member[],
    options: Options,
  ) {
    this.#set = set;
    this.#options = options;
    // What they are in is looked at after them.
    const inner = members.filter(({ object }) => !isOuter(object));
    const outer = members.filter(({ object }) => isOuter(object));
    for (const { object, seen } of [...inner, ...outer]) {
      this.look(object, seen);
    }
  }

  /** The members that stay in the set, and why, for people. */
  get kept(): ReadonlyMap<PlannedObject, string> {
    return this.#kept;
  }

  /** Says why a member stays as it is now; `undefined` when it is to be pruned. */
  look(object: PlannedObject, live: LiveObject): string | undefined {
    const what = describeObject(object);
    if (!isMember(live, this.#set)) {
      return `${what} is no member of the ApplySet any more`;
    }
    const why = this.#reason(object, live);
    if (why === undefined) return undefined;
    const said =
      `${what} is not in the manifests any more, and stays, as ${why}`;
    this.#kept.set(object, said);
    return said;
  }

  #reason(object: PlannedObject, live: LiveObject): string | undefined {
    const { pruneKinds, adopt, fieldManager } = this.#options;
    const guarded = guardedKindOf(object);
    if (guarded !== undefined && !pruneKinds.includes(guarded)) {
      return '"prune_kinds" does not name its kind';
    }
    if (guarded === "Namespace" && object.name === this.#set.namespace) {
      return "the account of the ApplySet is in it";
    }
    if (adopt === "always") return undefined;
    const owner = ownerOf(live, fieldManager);
    if (owner !== undefined) {
      this.#foreign.push(object);
      return `${owner} looks after it; delete it there, take it out of the ApplySet by its label, or set "adopt" to "always"`;
    }
    const held = this.#foreign.find((each) => goesWith(each, object));
    return held &&
      `${
        describeObject(held)
      }, which somebody else looks after, would go with it`;
  }
}

/** Whether other objects go with an object of this kind. */
function isOuter(object: PlannedObject): boolean {
  const guarded = guardedKindOf(object);
  return guarded === "Namespace" || guarded === "CustomResourceDefinition";
}

/** Whether a member is in a namespace, or of a definition's kind. */
function goesWith(
  { namespace, resource, group }: PlannedObject,
  outer: PlannedObject,
): boolean {
  switch (guardedKindOf(outer)) {
    case "Namespace":
      return outer.name === namespace;
    case "CustomResourceDefinition":
      return outer.name === `${resource}.${group}`;
    default:
      return false;
  }
}
