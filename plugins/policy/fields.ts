import type { Payload } from "./payload.ts";

/** What a field of the payload is for, for whoever lists them. */
export interface FieldAbout {
  /** What it does. */
  readonly about: string;
  /** What holds without it. */
  readonly otherwise: string;
}

/** Every field of the payload, besides those that are there empty for upstream's sake. */
export const FIELDS: Readonly<
  Record<Exclude<keyof Payload, "script" | "args">, FieldAbout>
> = {
  policies: {
    about:
      "ValidatingAdmissionPolicies, their bindings, and objects that they look things up in (`paramKind`): YAML texts or objects.",
    otherwise: "`policy_rules` alone say what holds",
  },
  policy_rules: {
    about:
      "Rules: `{name, type, parameters, severity, description}`; the types are `cel`, `required_label`, `resource_limit`, `allowed_registry` and `forbidden_kind`, the severities `error`, `warning` and `info`.",
    otherwise: "`policies` alone say what holds",
  },
  manifests: {
    about: "What is judged as it is: YAML texts or objects.",
    otherwise: "only live objects are judged",
  },
  targets: {
    about:
      "Which live objects are judged: `{kind, api_version, namespace, label_selector}`.",
    otherwise: "only the manifests are judged",
  },
  mode: {
    about:
      "`enforce` fails the event with `denied` when something of severity `error` is found.",
    otherwise: "`audit`: the event is completed, whatever is found",
  },
  namespace: {
    about:
      "The namespace of manifests that name none; refused without manifests.",
    otherwise: "that of the agent's context, else `default`",
  },
};
