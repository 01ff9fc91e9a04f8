import { parseDuration } from "@transporter/sdk";
import {
  type ADOPTIONS,
  FIELD_MANAGER,
  type FIELD_VALIDATIONS,
  type GivenOptions,
  type Operation,
  type OptionName,
  OPTIONS,
  PART_OF,
  type PatchType,
  type Propagation,
  PROVENANCE_MANAGER,
  type WAITS,
} from "./options.ts";
import { readPointer } from "./pointer.ts";

/** The options of an event, complete. */
export interface Options {
  /** What is done. */
  readonly operation: Operation;
  /** The namespace of objects that name none; by default the cluster's. */
  readonly namespace: string | undefined;
  /** With whose rights requests are made; by default the agent's. */
  readonly as: GivenOptions["as"];
  /** Whose the fields are. */
  readonly fieldManager: string;
  /** What is changed. */
  readonly patch: GivenOptions["patch"];
  /** How that is written. */
  readonly patchType: PatchType;
  /** The paths that are read. */
  readonly fields: readonly string[];
  /** Takes fields of others. */
  readonly forceConflicts: boolean;
  /** Takes replicas that an autoscaler looks after. */
  readonly takesReplicas: boolean;
  /** Which fields are left alone. */
  readonly ignoreFields: GivenOptions["ignore_fields"];
  /** What the server does with unknown fields. */
  readonly fieldValidation: typeof FIELD_VALIDATIONS[number];
  /** Which objects of others are taken over; by default those that no other tool looks after. */
  readonly adopt: typeof ADOPTIONS[number] | undefined;
  /** Has objects say which event has changed them. */
  readonly annotate: boolean;
  /** Makes anew what cannot change. */
  readonly replaceImmutable: boolean;
  /** Leaves what is there. */
  readonly createOnly: boolean;
  /** The ApplySet of the objects, as the payload names it. */
  readonly applySet: string | undefined;
  /** Guarded kinds that are pruned all the same. */
  readonly pruneKinds: readonly string[];
  /** What becomes of what a deleted object owns. */
  readonly propagation: Propagation;
  /** What is waited for. */
  readonly wait: typeof WAITS[number];
  /** When objects of a kind are ready. */
  readonly readyWhen: GivenOptions["ready_when"];
  /** How long an attempt may take, in milliseconds; by default each phase has the cluster's time. */
  readonly timeoutMs: number | undefined;
  /** From one check to the next, in milliseconds; by default there is one check. */
  readonly everyMs: number | undefined;
  /** Sets right what a check finds. */
  readonly heal: boolean;
  /** Writes nothing. */
  readonly dryRun: boolean;
}

/** How a payload's patch is written. */
function patchTypeOf(
  given: Pick<GivenOptions, "patch" | "patch_type">,
): PatchType {
  return given.patch_type ?? (Array.isArray(given.patch) ? "json" : "merge");
}

function msOf(duration: string | undefined): number | undefined {
  return duration === undefined
    ? undefined
    : Math.ceil(parseDuration(duration) / 1e6);
}

/** The options of a payload, with their defaults. */
export function optionsOf(given: GivenOptions): Options {
  return {
    operation: given.operation ?? "apply",
    namespace: given.namespace,
    as: given.as,
    fieldManager: given.field_manager ?? FIELD_MANAGER,
    patch: given.patch,
    patchType: patchTypeOf(given),
    fields: given.fields ?? [],
    forceConflicts: given.force_conflicts ?? false,
    takesReplicas: given.force_conflicts ?? false,
    ignoreFields: given.ignore_fields,
    fieldValidation: given.field_validation ?? "Strict",
    adopt: given.adopt,
    annotate: given.annotate ?? false,
    replaceImmutable: given.replace_immutable ?? false,
    createOnly: given.create_only ?? false,
    applySet: given.apply_set,
    pruneKinds: given.prune_kinds ?? [],
    propagation: given.propagation ?? "background",
    wait: given.wait ?? "ready",
    readyWhen: given.ready_when,
    timeoutMs: msOf(given.timeout),
    everyMs: msOf(given.every),
    heal: given.heal ?? false,
    dryRun: given.dry_run ?? false,
  };
}

/** From one check to the next, in milliseconds: more often they would cost the API server more than they tell. */
const EVERY_MS_MIN = 10_000;

/** What an operation cannot do without. */
const NEEDED: Readonly<Partial<Record<Operation, OptionName>>> = {
  patch: "patch",
  get: "fields",
};

/** What a check knows only for what it sets right. */
const HEALING = ["adopt", "annotate"] as const satisfies readonly OptionName[];

/** Whether the label of members would be left as it is. */
function ignoresMembership({ ignore_fields: ignored = [] }: GivenOptions) {
  const label = ["metadata", "labels", PART_OF];
  return ignored.some(({ pointers }) =>
    pointers.some((text) =>
      readPointer(text).every((token, index) => token === label[index])
    )
  );
}

/** What in the options does not go together, for people. */
export function misplacedOption(given: GivenOptions): string | undefined {
  const operation = given.operation ?? "apply";
  const needed = NEEDED[operation];
  if (needed !== undefined && given[needed] === undefined) {
    return `the operation "${operation}" needs "${needed}"`;
  }
  if (
    given.patch !== undefined &&
    Array.isArray(given.patch) !== (patchTypeOf(given) === "json")
  ) return 'a "patch" is a list for the type "json", and an object for others';
  if ((msOf(given.every) ?? EVERY_MS_MIN) < EVERY_MS_MIN) {
    return '"every" has to be at least "10s"';
  }
  if (given.heal === true && given.every === undefined) {
    return '"heal" is only for a check with "every"; without it, apply';
  }
  const healing = HEALING.find((name) => given[name] !== undefined);
  if (operation === "check" && healing !== undefined && given.heal !== true) {
    return `"${healing}" is only for a check with "heal", as no other changes anything`;
  }
  // The apply of the annotations would take all other fields of that manager away.
  if (given.field_manager === PROVENANCE_MANAGER) {
    return `"field_manager" cannot be "${PROVENANCE_MANAGER}", whose the annotations of "annotate" are`;
  }
  if (given.ready_when !== undefined && (given.wait ?? "ready") !== "ready") {
    return '"ready_when" is only for the "wait" "ready"';
  }
  if (given.apply_set !== undefined && ignoresMembership(given)) {
    return '"ignore_fields" cannot leave the labels alone, as "apply_set" needs one of them';
  }
  if (given.apply_set === undefined) {
    if (given.prune_kinds !== undefined) {
      return '"prune_kinds" is only for what "apply_set" prunes';
    }
    if (operation === "apply" && given.propagation !== undefined) {
      return '"propagation" is only for the operation "delete", and for an apply with "apply_set"';
    }
  }
  for (const [name, { operations }] of Object.entries(OPTIONS)) {
    const known: readonly Operation[] = operations;
    if (given[name as OptionName] === undefined || known.includes(operation)) {
      continue;
    }
    const names = known.map((each) => `"${each}"`).join(", ");
    return `"${name}" is only for the operation${
      known.length > 1 ? "s" : ""
    } ${names}`;
  }
  return undefined;
}
