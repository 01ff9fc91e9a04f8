/**
 * Policies with an object each, for asking an API server and us.
 *
 * @module
 */
import { EXPRESSIONS, MAP, type PolicyCase } from "./policy_expressions.ts";

type Json = Readonly<Record<string, unknown>>;

function rules(more: Json, rule: Json = {}): Json {
  return {
    matchConstraints: {
      resourceRules: [{
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CREATE"],
        resources: ["configmaps"],
        ...rule,
      }],
      ...more,
    },
    validations: NEVER,
  };
}

const NEVER = [{ expression: "false", message: "never" }];

/** What is asked, one after the other. */
export const CASES: readonly PolicyCase[] = [
  ...EXPRESSIONS,
  {
    about: "a message",
    spec: { validations: NEVER },
    object: MAP,
    denied: true,
  },
  {
    about: "a message that an expression makes",
    spec: {
      validations: [{
        expression: "false",
        message: "fixed",
        messageExpression: "'made of ' + object.data.text",
      }],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "a message whose expression fails",
    spec: {
      validations: [{
        expression: "false",
        message: "fixed",
        messageExpression: "'made of ' + object.data.missing",
      }],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "a message of spaces, and none beside it",
    spec: {
      validations: [{
        expression: "object.data.text == 'a'",
        messageExpression: "'  '",
      }],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "a message that is too long",
    spec: {
      validations: [{
        expression: "false",
        message: "fixed",
        messageExpression: "lists.range(2000).map(i, 'abc').join('')",
      }],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "the first of several that does not hold",
    spec: {
      validations: [
        { expression: "true", message: "first" },
        { expression: "false", message: "second" },
        { expression: "false", message: "third" },
      ],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "variables, of variables",
    spec: {
      variables: [
        { name: "number", expression: "int(object.data.number)" },
        { name: "double", expression: "variables.number * 2" },
      ],
      validations: [{
        expression: "variables.double == 9",
        messageExpression: "'it is ' + string(variables.double)",
      }],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "a variable that fails where it is read",
    spec: {
      variables: [{ name: "number", expression: "int(object.data.text)" }],
      validations: [
        { expression: "object.data.text == 'hello'" },
        { expression: "variables.number == 1" },
      ],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "a variable that fails and is not read",
    spec: {
      variables: [{ name: "number", expression: "int(object.data.text)" }],
      validations: [{ expression: "object.data.text == 'hello'" }],
    },
    object: MAP,
  },
  {
    about: "conditions, one of which is not met",
    spec: {
      matchConditions: [
        { name: "fails", expression: "object.data.missing == 'a'" },
        { name: "says-no", expression: "object.data.text == 'bye'" },
      ],
      validations: NEVER,
    },
    object: MAP,
  },
  {
    about: "a condition that fails",
    spec: {
      matchConditions: [
        { name: "says-yes", expression: "true" },
        { name: "fails", expression: "object.data.missing == 'a'" },
      ],
      validations: NEVER,
    },
    object: MAP,
    denied: true,
  },
  {
    about: "a condition that fails, and that is ignored",
    spec: {
      failurePolicy: "Ignore",
      matchConditions: [
        { name: "fails", expression: "object.data.missing == 'a'" },
      ],
      validations: NEVER,
    },
    object: MAP,
  },
  {
    about: "an error that is ignored",
    spec: {
      failurePolicy: "Ignore",
      validations: [{ expression: "object.data.missing == 'a'" }],
    },
    object: MAP,
  },
  {
    about: "what does not hold beside an error that is ignored",
    spec: {
      failurePolicy: "Ignore",
      validations: [
        { expression: "object.data.missing == 'a'" },
        { expression: "false", message: "second" },
      ],
    },
    object: MAP,
    denied: true,
  },
  {
    about: "only warned of",
    spec: { validations: NEVER },
    binding: { validationActions: ["Warn", "Audit"] },
    object: MAP,
  },
  {
    about: "only noted",
    spec: { validations: NEVER },
    binding: { validationActions: ["Audit"] },
    object: MAP,
  },
  {
    about: "rules for updates",
    spec: rules({}, { operations: ["UPDATE"] }),
    object: MAP,
  },
  {
    about: "rules for all operations",
    spec: rules({}, { operations: ["*"] }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules for another group",
    spec: rules({}, { apiGroups: ["apps"] }),
    object: MAP,
  },
  {
    about: "rules for all groups and versions",
    spec: rules({}, { apiGroups: ["*"], apiVersions: ["*"] }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules for another version, and others like it",
    spec: rules({ matchPolicy: "Equivalent" }, { apiVersions: ["v2"] }),
    object: MAP,
  },
  {
    about: "rules for all resources",
    spec: rules({}, { resources: ["*"] }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules for all resources and their parts",
    spec: rules({}, { resources: ["*/*"] }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules for parts of all resources",
    spec: rules({}, { resources: ["*/status"] }),
    object: MAP,
  },
  {
    about: "rules for the resource and its parts",
    spec: rules({}, { resources: ["configmaps/*"] }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules for a name",
    spec: rules({}, { resourceNames: ["one"] }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules for another name",
    spec: rules({}, { resourceNames: ["two"] }),
    object: MAP,
  },
  {
    about: "rules for the cluster",
    spec: rules({}, { scope: "Cluster" }),
    object: MAP,
  },
  {
    about: "rules for namespaces",
    spec: rules({}, { scope: "Namespaced" }),
    object: MAP,
    denied: true,
  },
  {
    about: "rules that leave out",
    spec: rules({
      excludeResourceRules: [{
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CREATE"],
        resources: ["configmaps"],
      }],
    }),
    object: MAP,
  },
  {
    about: "rules that leave out another name",
    spec: rules({
      excludeResourceRules: [{
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CREATE"],
        resources: ["configmaps"],
        resourceNames: ["two"],
      }],
    }),
    object: MAP,
    denied: true,
  },
  {
    about: "a selector of objects",
    spec: rules({
      objectSelector: {
        matchExpressions: [
          { key: "tier", operator: "In", values: ["web", "db"] },
          { key: "none", operator: "DoesNotExist" },
          { key: "none", operator: "NotIn", values: ["a"] },
        ],
      },
    }),
    object: MAP,
    denied: true,
  },
  {
    about: "a selector of other objects",
    spec: rules({
      objectSelector: {
        matchExpressions: [{ key: "none", operator: "Exists" }],
      },
    }),
    object: MAP,
  },
  {
    about: "a selector of other namespaces",
    spec: rules({ namespaceSelector: { matchLabels: { none: "a" } } }),
    object: MAP,
  },
  {
    about: "params by a name",
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{
        expression: "int(object.data.number) <= int(params.data.max)",
        messageExpression: "'at most ' + string(params.data.max)",
      }],
    },
    binding: {
      paramRef: { name: "limits", parameterNotFoundAction: "Deny" },
    },
    object: MAP,
    denied: true,
  },
  {
    about: "params that allow",
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{
        expression: "int(object.data.number) <= int(params.data.max)",
      }],
    },
    binding: {
      paramRef: { name: "more-limits", parameterNotFoundAction: "Deny" },
    },
    object: MAP,
  },
  {
    about: "params by a selector, once for each",
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{
        expression: "int(object.data.number) <= int(params.data.max)",
        messageExpression: "'at most ' + string(params.data.max)",
      }],
    },
    binding: {
      paramRef: {
        selector: { matchLabels: { limits: "yes" } },
        parameterNotFoundAction: "Deny",
      },
    },
    object: MAP,
    denied: true,
  },
  {
    about: "params that are not there, and have to be",
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{ expression: "params.data.max == '1'" }],
    },
    binding: { paramRef: { name: "none", parameterNotFoundAction: "Deny" } },
    object: MAP,
    denied: true,
  },
  {
    about: "params that are not there, and need not be",
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{ expression: "params.data.max == '1'" }],
    },
    binding: { paramRef: { name: "none", parameterNotFoundAction: "Allow" } },
    object: MAP,
  },
  {
    about: "params that a binding does not name",
    spec: {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [{ expression: "params == null" }],
    },
    object: MAP,
  },
];
