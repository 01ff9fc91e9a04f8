import * as v from "valibot";
import { selectorSchema } from "./selector.ts";

/** The group of policies and bindings. */
export const GROUP = "admissionregistration.k8s.io";

const text = v.pipe(v.string("text is needed"), v.nonEmpty("text is needed"));
const texts = v.pipe(v.array(text), v.minLength(1, "at least one is needed"));

const OPERATIONS = ["*", "CREATE", "UPDATE", "DELETE", "CONNECT"] as const;

const rule = v.strictObject({
  apiGroups: v.pipe(v.array(v.string()), v.minLength(1)),
  apiVersions: texts,
  resources: texts,
  operations: v.pipe(
    v.array(
      v.picklist(
        OPERATIONS,
        `one of ${OPERATIONS.map((each) => `"${each}"`).join(", ")} is needed`,
      ),
    ),
    v.minLength(1, "at least one is needed"),
  ),
  scope: v.optional(
    v.picklist(
      ["*", "Cluster", "Namespaced"],
      'one of "*", "Cluster" and "Namespaced" is needed',
    ),
  ),
  resourceNames: v.optional(v.array(text)),
});

const matchResources = v.strictObject({
  namespaceSelector: v.optional(selectorSchema),
  objectSelector: v.optional(selectorSchema),
  resourceRules: v.optional(v.array(rule)),
  excludeResourceRules: v.optional(v.array(rule)),
  matchPolicy: v.optional(
    v.picklist(
      ["Exact", "Equivalent"],
      'one of "Exact" and "Equivalent" is needed',
    ),
  ),
});

const named = v.strictObject({ name: text, expression: text });

const validation = v.strictObject({
  expression: text,
  message: v.optional(v.string()),
  messageExpression: v.optional(v.string()),
  reason: v.optional(
    v.picklist(
      ["Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge"],
      'one of "Unauthorized", "Forbidden", "Invalid" and "RequestEntityTooLarge" is needed',
    ),
  ),
});

const policySpec = v.strictObject({
  paramKind: v.optional(v.strictObject({ apiVersion: text, kind: text })),
  matchConstraints: v.pipe(
    matchResources,
    v.check(
      ({ resourceRules = [] }) => resourceRules.length > 0,
      '"resourceRules" needs at least one',
    ),
  ),
  matchConditions: v.optional(
    v.pipe(v.array(named), v.maxLength(64, "at most 64 are possible")),
  ),
  variables: v.optional(v.array(named)),
  validations: v.optional(v.array(validation)),
  failurePolicy: v.optional(
    v.picklist(["Fail", "Ignore"], 'one of "Fail" and "Ignore" is needed'),
  ),
  auditAnnotations: v.optional(
    v.pipe(
      v.array(v.strictObject({ key: text, valueExpression: text })),
      v.maxLength(20, "at most 20 are possible"),
    ),
  ),
});

const ACTIONS = ["Deny", "Warn", "Audit"] as const;

const bindingSpec = v.strictObject({
  policyName: text,
  paramRef: v.optional(
    v.pipe(
      v.strictObject({
        name: v.optional(text),
        namespace: v.optional(text),
        selector: v.optional(selectorSchema),
        parameterNotFoundAction: v.picklist(
          ["Allow", "Deny"],
          '"parameterNotFoundAction" has to be "Allow" or "Deny"',
        ),
      }),
      v.check(
        ({ name, selector }) =>
          (name === undefined) !== (selector === undefined),
        'either "name" or "selector" is needed, and not both',
      ),
    ),
  ),
  matchResources: v.optional(matchResources),
  validationActions: v.pipe(
    v.array(
      v.picklist(ACTIONS, 'one of "Deny", "Warn" and "Audit" is needed'),
      '"validationActions" is needed',
    ),
    v.minLength(1, "at least one is needed"),
    v.check(
      (actions) => new Set(actions).size === actions.length,
      "each can be there once",
    ),
    v.check(
      (actions) => !(actions.includes("Deny") && actions.includes("Warn")),
      '"Deny" and "Warn" must not be used together, as the API server has it',
    ),
  ),
});

const metadata = v.looseObject({ name: text });

function document<Spec extends v.GenericSchema>(kind: string, spec: Spec) {
  return v.strictObject({
    apiVersion: v.picklist(
      [`${GROUP}/v1`, `${GROUP}/v1beta1`],
      `the version "${GROUP}/v1" is needed`,
    ),
    kind: v.literal(kind),
    metadata,
    spec,
    status: v.optional(v.unknown()),
  });
}

/** A ValidatingAdmissionPolicy. */
export const policySchema = document("ValidatingAdmissionPolicy", policySpec);

/** A ValidatingAdmissionPolicyBinding. */
export const bindingSchema = document(
  "ValidatingAdmissionPolicyBinding",
  bindingSpec,
);

/** What a policy says. */
export type PolicySpec = v.InferOutput<typeof policySpec>;

/** What a binding says. */
export type BindingSpec = v.InferOutput<typeof bindingSpec>;

/** Which objects a policy or a binding is for. */
export type MatchResources = v.InferOutput<typeof matchResources>;

/** One rule of those. */
export type Rule = v.InferOutput<typeof rule>;

/** What happens when a policy does not hold. */
export type Action = typeof ACTIONS[number];

/** How objects are found that a policy looks things up in. */
export type ParamRef = NonNullable<BindingSpec["paramRef"]>;
