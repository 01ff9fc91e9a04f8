import * as v from "valibot";
import {
  applySet,
  duration,
  fieldManager,
  fields,
  flag,
  identity,
  ignoreFields,
  namespace,
  oneOf,
  patch,
  readyWhen,
  someOf,
  span,
} from "./option_shapes.ts";

/** The label that says which ApplySet an object is a member of. @see {@link https://git.k8s.io/enhancements/keps/sig-cli/3659-kubectl-apply-prune} */
export const PART_OF = "applyset.kubernetes.io/part-of";

/** What is done with the objects. */
export const OPERATIONS = [
  "apply",
  "delete",
  "diff",
  "check",
  "patch",
  "get",
] as const;

/** One of {@linkcode OPERATIONS}. */
export type Operation = typeof OPERATIONS[number];

/** What becomes of the objects that a deleted one owns: deleted after it, before it, or left. */
export const PROPAGATIONS = ["background", "foreground", "orphan"] as const;

/** One of {@linkcode PROPAGATIONS}. */
export type Propagation = typeof PROPAGATIONS[number];

/** What the server does with fields that it does not know, or that are there twice. */
export const FIELD_VALIDATIONS = ["Strict", "Warn", "Ignore"] as const;

/** Which objects of others are taken over. */
export const ADOPTIONS = ["always", "if_no_diff", "never"] as const;

/** How a patch is written. */
export const PATCH_TYPES = ["json", "merge", "strategic"] as const;

/** One of {@linkcode PATCH_TYPES}. */
export type PatchType = typeof PATCH_TYPES[number];

/** Kinds whose objects are pruned only when the payload names the kind, as much more goes with each of them. */
export const GUARDED_KINDS = [
  "Namespace",
  "CustomResourceDefinition",
  "PersistentVolume",
  "PersistentVolumeClaim",
] as const;

/** What an event waits for: its objects, only what its next objects need, nothing. */
export const WAITS = ["ready", "applied", "none"] as const;

/** Who our changes are by, unless a payload says otherwise. */
export const FIELD_MANAGER = "transporter";

/** Whose the annotations are that say which event has changed an object: they are no part of its manifest. */
export const PROVENANCE_MANAGER = "transporter-provenance";

/** An option of a payload: its shape, and what people read about it. */
export interface OptionDeclaration<Shape extends v.GenericSchema> {
  /** Its shape; it may be left out. */
  readonly schema: Shape;
  /** The operations that know it; for all others it is refused. */
  readonly operations: readonly Operation[];
  /** What holds when it is left out, for people. */
  readonly otherwise: string;
  /** What it does, as a sentence. */
  readonly about: string;
}

function option<Shape extends v.GenericSchema>(
  schema: Shape,
  rest: Omit<OptionDeclaration<Shape>, "schema">,
) {
  return { schema: v.optional(schema), ...rest };
}

/**
 * Every option of a payload, declared once: the payload's type and checks, its
 * JSON Schema and the reference page come from here.
 */
export const OPTIONS = {
  namespace: option(namespace, {
    operations: OPERATIONS,
    otherwise: "the agent's: its kubeconfig's, else `default`",
    about: "The namespace of objects that name none.",
  }),
  as: option(identity, {
    operations: OPERATIONS,
    otherwise: "the agent's own identity",
    about:
      'With whose rights every request is made, discovery aside: `{"service_account": "NAMESPACE/NAME"}`, with `groups` in place of those of ServiceAccounts, and `extra`. The agent needs the right to impersonate it.',
  }),
  field_manager: option(fieldManager, {
    operations: ["apply", "diff", "check", "patch"],
    otherwise: `\`${FIELD_MANAGER}\``,
    about:
      "Whose the fields are: what this manager applied before and the manifests leave out is taken away.",
  }),
  patch: option(patch, {
    operations: ["patch"],
    otherwise: "a `patch` needs it",
    about:
      "What is changed in each object that the manifests name: the steps of a JSON patch, or an object with the fields of a merge patch.",
  }),
  patch_type: option(oneOf(PATCH_TYPES), {
    operations: ["patch"],
    otherwise: "`json` for a list, `merge` for an object",
    about:
      "How the patch is written: `strategic` merges lists by their keys, which only kinds of Kubernetes itself know.",
  }),
  fields: option(fields, {
    operations: ["get"],
    otherwise: "a `get` needs it",
    about:
      "JSONPath expressions, as `kubectl -o jsonpath` takes them: `{.status.readyReplicas}`. What each finds stands in the result.",
  }),
  force_conflicts: option(flag, {
    operations: ["apply", "diff"],
    otherwise: "`false`: the event ends with `conflict`, which names both",
    about:
      "Takes fields that other managers own. A `check` always compares as if it did.",
  }),
  ignore_fields: option(ignoreFields, {
    operations: ["apply", "diff", "check"],
    otherwise: "every field of the manifests counts",
    about:
      'Fields that are left to others once an object is there, by JSON pointers for each kind: `[{"api_version": "apps/v1", "kind": "Deployment", "pointers": ["/spec/replicas"]}]`. They are neither applied nor compared, and given up where this manager owned them. An object that is not there is made with what the manifest says.',
  }),
  field_validation: option(oneOf(FIELD_VALIDATIONS), {
    operations: ["apply", "patch"],
    otherwise: "`Strict`: they are refused",
    about:
      "What the API server does with fields that it does not know: refuse them, warn, or drop them. Server-side apply refuses them whatever is said here, so it counts where an object is created by `POST` (`generateName`) or patched.",
  }),
  adopt: option(oneOf(ADOPTIONS), {
    operations: ["apply", "diff", "check"],
    otherwise:
      "what is there is applied to, unless Helm, Argo CD, Flux, kapp or kpt look after it: those are a `conflict`",
    about:
      "Which objects are taken over that this manager never applied: all, also those of Helm, Argo CD, Flux, kapp and kpt (`always`); those in which nothing would change (`if_no_diff`); none (`never`). With `apply_set`, whether members are pruned that one of them looks after by now: with `always` only. With a `check`, for what `heal` sets right.",
  }),
  annotate: option(flag, {
    operations: ["apply", "patch", "check"],
    otherwise: "`false`: only what has them already is kept up to date",
    about:
      `Has an object that was created or configured say by which event, and from which manifest: the annotations \`transporter/event-id\` and \`transporter/digest\`, in an apply of their own by \`${PROVENANCE_MANAGER}\`. What is unchanged is not touched. A later event that changes the object changes them, too, whatever its own option says. With a \`check\`, for what \`heal\` sets right.`,
  }),
  create_only: option(flag, {
    operations: ["apply"],
    otherwise: "`false`",
    about: "Leaves objects that are there already as they are: `skipped`.",
  }),
  replace_immutable: option(flag, {
    operations: ["apply"],
    otherwise:
      "`false`: the event ends with `immutable`, which names the field",
    about:
      "Deletes an object of which a field would have to change that cannot, and makes it anew, once the server has tried the new one under another name. Never a Namespace, a PersistentVolume, a claim for one, a CustomResourceDefinition or a Service with a load balancer. The Pods of a StatefulSet stay. Such an event is not repeated after a crash of its agent.",
  }),
  apply_set: option(applySet, {
    operations: ["apply", "diff", "check"],
    otherwise: "nothing is pruned",
    about:
      "The ApplySet that the objects are of, as `NAME` or `NAMESPACE/NAME` of the Secret that keeps account of it (KEP-3659). What an earlier event applied for this set and the manifests leave out is deleted, once all of them are applied: nothing is when one failed or was skipped. What Helm, Argo CD, Flux, kapp or kpt look after by now stays, as `skipped`, unless `adopt` is `always`. A `check` needs it where the objects are of a set, and deletes nothing.",
  }),
  prune_kinds: option(someOf(GUARDED_KINDS), {
    operations: ["apply", "diff"],
    otherwise: "such objects stay, as `skipped`",
    about:
      "With `apply_set`: which of these kinds are pruned too, as much more goes with their objects: `Namespace`, `CustomResourceDefinition`, `PersistentVolume`, `PersistentVolumeClaim`.",
  }),
  propagation: option(oneOf(PROPAGATIONS), {
    operations: ["delete", "apply"],
    otherwise: "`background`",
    about:
      "What becomes of the objects that a deleted one owns: they go after it, before it, or stay (`orphan`). With an apply, only for what `apply_set` prunes.",
  }),
  wait: option(oneOf(WAITS), {
    operations: ["apply", "delete"],
    otherwise: "`ready`",
    about:
      "What the event waits for: until its objects are ready, or gone (`ready`); only for what its next objects need (`applied`); for nothing (`none`).",
  }),
  ready_when: option(readyWhen, {
    operations: ["apply"],
    otherwise: "the kind's own rule",
    about:
      'When objects of a kind are ready, by a condition in CEL over the object, `self`: `[{"api_version": "example.com/v1", "kind": "Database", "when": "self.status.phase == \'Running\'"}]`. It takes the place of the kind\'s own rule.',
  }),
  timeout: option(span, {
    operations: OPERATIONS,
    otherwise:
      "the agent's `phase_timeout_ms`, five minutes, for the work, and then for waiting",
    about:
      "How long an attempt of the event may take, with all that it looks at, does and waits for; of a check with `every` each look. The event's deadline comes first, and an agent that was started again begins anew.",
  }),
  every: option(duration, {
    operations: ["check"],
    otherwise: "checked once",
    about:
      "Checks again and again, `1h` apart for instance and at least `10s`, until the event's deadline or its cancellation. It stays `in_progress`, reports only what has changed since the last report, and goes on while the agent is cut off and after it was started again.",
  }),
  heal: option(flag, {
    operations: ["check"],
    otherwise: "`false`: differences are only reported",
    about:
      "Sets right what a check with `every` finds, by an apply that takes the fields back from others. Left as it is, and said, is an object that another event has changed since; that had to be set right three times within a day or in a row, as something else changes it again and again, until it is in order after that day; and that already differed when the agent was started again, until it is in order once.",
  }),
  dry_run: option(flag, {
    operations: ["apply", "delete", "patch"],
    otherwise: "`false`",
    about:
      "Asks the API server what would happen, with all its checks, and writes nothing. What needs a namespace or a kind that the same event makes is `unverifiable`.",
  }),
} as const satisfies Readonly<
  Record<string, OptionDeclaration<v.GenericSchema>>
>;

/** The names of the options. */
export type OptionName = keyof typeof OPTIONS;

/** The shapes of the options, for a schema of an object. */
export type OptionEntries = {
  readonly [Name in OptionName]: typeof OPTIONS[Name]["schema"];
};

/** {@linkcode OptionEntries} of {@linkcode OPTIONS}. */
export const optionEntries: OptionEntries = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, { schema }]) => [name, schema]),
) as OptionEntries;

/** What a payload says of its options, none of which has to be there. */
export type GivenOptions =
  & {
    readonly [Name in OptionName]?:
      | v.InferOutput<typeof OPTIONS[Name]["schema"]>
      | undefined;
  }
  & { readonly operation?: Operation | undefined };
