import { nearest, TransporterError } from "@transporter/sdk";
import * as v from "valibot";
import { compareQuantities, isQuantity } from "../cel/mod.ts";
import { type Policy, readPolicy, type Severity } from "./policy.ts";
import { type Fields, type Kind, labelsOf, partOf } from "./subject.ts";

const text = v.pipe(v.string("text is needed"), v.nonEmpty("text is needed"));
const texts = v.pipe(
  v.array(text, "a list of texts is needed"),
  v.minLength(1, "at least one is needed"),
);

/** Kinds that a rule is for, such as `Deployment`; all unless given. */
const kinds = { kinds: v.optional(texts) };

const amount = v.pipe(
  v.union(
    [v.string(), v.number()],
    'an amount such as "500m" or "1Gi" is needed',
  ),
  v.transform(String),
  v.check(isQuantity, 'an amount such as "500m" or "1Gi" is needed'),
);

/** What each type of rule is told. */
const PARAMETERS = {
  cel: v.strictObject({
    expression: text,
    message_expression: v.optional(text),
    ...kinds,
  }),
  required_label: v.strictObject({
    label: text,
    values: v.optional(texts),
    ...kinds,
  }),
  resource_limit: v.strictObject({
    resource: text,
    max: v.optional(amount),
    ...kinds,
  }),
  allowed_registry: v.strictObject({ registries: texts, ...kinds }),
  forbidden_kind: v.strictObject({ kinds: texts }),
} as const;

type RuleType = keyof typeof PARAMETERS;

type ParametersOf<Type extends RuleType> = v.InferOutput<
  typeof PARAMETERS[Type]
>;

const TYPES = Object.keys(PARAMETERS) as RuleType[];

function unknownType(value: unknown): string {
  const near = typeof value === "string" ? nearest(value, TYPES) : undefined;
  return near === undefined
    ? `one of ${TYPES.map((each) => `"${each}"`).join(", ")} is needed`
    : `no such type; the nearest is "${near}"`;
}

/** A rule as upstream's producers write one. */
export const ruleSchema = v.strictObject({
  name: text,
  type: v.picklist(TYPES, (issue) => unknownType(issue.input)),
  parameters: v.optional(v.record(v.string(), v.unknown())),
  severity: v.optional(
    v.picklist(
      ["error", "warning", "info"],
      'one of "error", "warning" and "info" is needed',
    ),
  ),
  description: v.optional(v.string()),
});

/** What the schema accepts. */
export type RuleSource = v.InferOutput<typeof ruleSchema>;

/** A rule that needs no expression. */
export interface PlainRule {
  readonly name: string;
  readonly type: RuleType;
  readonly severity: Severity;
  /** Which kinds it is for. */
  isFor(of: Kind): boolean;
  /** What is wrong with an object. */
  problems(object: Fields, of: Kind): readonly string[];
}

function recordsAt(object: Fields, key: string): Fields[] {
  const list = object[key];
  return Array.isArray(list)
    ? list.filter((each) => typeof each === "object" && each !== null)
    : [];
}

/** The part that says what a Pod is like, of Pods and of all that makes Pods. */
function podSpecOf(object: Fields): Fields {
  const spec = partOf(object, "spec");
  if ("containers" in spec) return spec;
  const job = partOf(partOf(spec, "jobTemplate"), "spec");
  return partOf(partOf("template" in job ? job : spec, "template"), "spec");
}

/** The object that was asked about last, as each rule asks about it. */
let last:
  | { readonly object: Fields; readonly containers: Fields[] }
  | undefined;

/** The containers of a Pod, those that run first included. */
function containersOf(object: Fields): Fields[] {
  if (last?.object === object) return last.containers;
  const spec = podSpecOf(object);
  const containers = ["initContainers", "containers", "ephemeralContainers"]
    .flatMap((key) => recordsAt(spec, key));
  last = { object, containers };
  return containers;
}

function requiredLabel({ label, values }: ParametersOf<"required_label">) {
  return (object: Fields): string[] => {
    const labels = labelsOf(object);
    if (!Object.hasOwn(labels, label)) {
      return [`the label "${label}" is missing`];
    }
    const value = String(labels[label]);
    if (values === undefined || values.includes(value)) return [];
    return [
      `the label "${label}" is "${value}", not one of ${
        values.map((each) => `"${each}"`).join(", ")
      }`,
    ];
  };
}

function resourceLimit({ resource, max }: ParametersOf<"resource_limit">) {
  return (object: Fields): string[] =>
    containersOf(object).flatMap((container) => {
      const name = `the container "${container.name}"`;
      const limits = partOf(partOf(container, "resources"), "limits");
      const limit = limits[resource];
      if (limit === undefined) {
        return [`${name} has no limit for "${resource}"`];
      }
      if (max === undefined) return [];
      const amount = String(limit);
      if (!isQuantity(amount)) {
        return [`the limit of ${name} for "${resource}" is no amount`];
      }
      return compareQuantities(amount, max) > 0
        ? [
          `${name} has a limit of ${amount} for "${resource}", and ${max} is the most`,
        ]
        : [];
    });
}

/** The registry of an image, and what is in it; without one, Docker's. */
function imageName(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const hasRegistry = rest.length > 0 &&
    (first.includes(".") || first.includes(":") || first === "localhost");
  if (hasRegistry) return image;
  return rest.length > 0 ? `docker.io/${image}` : `docker.io/library/${image}`;
}

function allowedRegistry({ registries }: ParametersOf<"allowed_registry">) {
  const prefixes = registries.map((each) =>
    each.endsWith("/") ? each : `${each}/`
  );
  return (object: Fields): string[] =>
    containersOf(object).flatMap(({ name, image }) =>
      prefixes.some((prefix) => imageName(String(image)).startsWith(prefix))
        ? []
        : [
          `the image "${image}" of the container "${name}" is not from ${
            registries.map((each) => `"${each}"`).join(" or ")
          }`,
        ]
    );
}

/** Whether a kind is named: `Deployment`, or with its group, `Deployment.apps`. */
function isNamed(names: readonly string[], { kind, group }: Kind): boolean {
  return names.includes(kind) || names.includes(`${kind}.${group}`);
}

/** Rules that are ready. */
export type ReadyRule =
  | { readonly plain: PlainRule }
  | { readonly policy: Policy };

const EVERYTHING = {
  apiGroups: ["*"],
  apiVersions: ["*"],
  resources: ["*"],
  operations: ["*" as const],
};

function celRule(
  { name, severity = "error", description, parameters }: RuleSource,
): ReadyRule {
  const { expression, message_expression: messageExpression } =
    parameters as ParametersOf<"cel">;
  const policy = readPolicy({
    name,
    spec: {
      matchConstraints: { resourceRules: [EVERYTHING] },
      validations: [{
        expression,
        ...(description === undefined ? {} : { message: description }),
        ...(messageExpression === undefined ? {} : { messageExpression }),
      }],
    },
    bindings: [{
      name: undefined,
      severity,
      actions: [],
      match: {},
      paramRef: undefined,
    }],
  }, { isGate: false });
  return { policy };
}

function parametersOf({ name, type, parameters = {} }: RuleSource): unknown {
  const result = v.safeParse(PARAMETERS[type], parameters);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const key = v.getDotPath(issue);
  const known = Object.keys(PARAMETERS[type].entries);
  const reason = issue.expected === "never"
    ? `unknown; "${type}" takes ${known.map((each) => `"${each}"`).join(", ")}`
    : issue.received === "undefined"
    ? "it is needed"
    : issue.message;
  throw new TransporterError(
    "invalid",
    `Cannot accept the rule "${name}": "parameters.${key}": ${reason}`,
    { details: { rule: name } },
  );
}

/**
 * Makes a rule ready.
 *
 * @throws {TransporterError} `invalid` or `unsupported`, naming the rule.
 */
export function readRule(source: RuleSource): ReadyRule {
  const { name, type, severity = "error" } = source;
  const parameters = parametersOf(source);
  const given = (parameters as { kinds?: readonly string[] }).kinds;
  const isFor = (of: Kind) => given === undefined || isNamed(given, of);
  const plain = (problems: PlainRule["problems"]): ReadyRule => ({
    plain: { name, type, severity, isFor, problems },
  });
  switch (type) {
    case "cel": {
      const ready = celRule({ ...source, parameters: parameters as Fields });
      return "policy" in ready ? { policy: { ...ready.policy, isFor } } : ready;
    }
    case "required_label":
      return plain(requiredLabel(parameters as ParametersOf<typeof type>));
    case "resource_limit":
      return plain(resourceLimit(parameters as ParametersOf<typeof type>));
    case "allowed_registry":
      return plain(allowedRegistry(parameters as ParametersOf<typeof type>));
    case "forbidden_kind":
      return plain((_object, { kind }) => [`the kind "${kind}" is forbidden`]);
  }
}
