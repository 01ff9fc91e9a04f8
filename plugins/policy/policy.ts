import { TransporterError } from "@transporter/sdk";
import {
  compile,
  compileAs,
  CompileError,
  DYN,
  listOf,
  mapOf,
  objectOf,
  type Program,
  type Type,
  type,
} from "../cel/mod.ts";
import type {
  Action,
  BindingSpec,
  MatchResources,
  ParamRef,
  PolicySpec,
} from "./document.ts";
import type { Kind } from "./subject.ts";

/** How bad it is when a rule does not hold. */
export type Severity = "error" | "warning" | "info";

/** An expression, and its text. */
export interface Expression {
  readonly text: string;
  readonly program: Program;
}

/** A rule that objects have to keep. */
export interface Validation extends Expression {
  /** What findings call it. */
  readonly name: string;
  /** What is said when it is broken; without one, its text. */
  readonly message: string | undefined;
  /** What says it instead. */
  readonly messageExpression: Expression | undefined;
}

/** An expression with a name: a variable, a condition, an annotation. */
export interface Named extends Expression {
  readonly name: string;
}

/** For whom a policy holds, and what comes of it. */
export interface Binding {
  /** Its name; absent for rules, which bind themselves. */
  readonly name: string | undefined;
  readonly severity: Severity;
  readonly actions: readonly Action[];
  readonly match: MatchResources;
  readonly paramRef: ParamRef | undefined;
}

/** A policy that is ready. */
export interface Policy {
  readonly name: string;
  readonly match: MatchResources;
  readonly conditions: readonly Named[];
  readonly variables: readonly Named[];
  readonly validations: readonly Validation[];
  readonly annotations: readonly Named[];
  readonly ignoresErrors: boolean;
  readonly paramKind: PolicySpec["paramKind"];
  readonly bindings: readonly Binding[];
  /** For which kinds it is besides; all unless given. */
  readonly isFor?: (of: Kind) => boolean;
}

const TEXT = type("string");

const GROUP_VERSION = { group: TEXT, version: TEXT };

/** What may be read of the request; the same as on an API server. */
const REQUEST = objectOf({
  kind: objectOf({ ...GROUP_VERSION, kind: TEXT }),
  resource: objectOf({ ...GROUP_VERSION, resource: TEXT }),
  subResource: TEXT,
  requestKind: objectOf({ ...GROUP_VERSION, kind: TEXT }),
  requestResource: objectOf({ ...GROUP_VERSION, resource: TEXT }),
  requestSubResource: TEXT,
  name: TEXT,
  namespace: TEXT,
  operation: TEXT,
  userInfo: objectOf({
    username: TEXT,
    uid: TEXT,
    groups: listOf(TEXT),
    extra: mapOf(TEXT, listOf(TEXT)),
  }),
  dryRun: type("bool"),
  options: DYN,
});

const STAMP = type("google.protobuf.Timestamp");

/** What may be read of the object's Namespace. */
const NAMESPACE = objectOf({
  metadata: objectOf({
    ...{ name: TEXT, generateName: TEXT, namespace: TEXT, UID: TEXT },
    ...{ labels: mapOf(TEXT, TEXT), annotations: mapOf(TEXT, TEXT) },
    ...{ creationTimestamp: STAMP, deletionTimestamp: STAMP },
    ...{ deletionGracePeriodSeconds: type("int"), generation: type("int") },
    ...{ resourceVersion: TEXT, finalizers: listOf(TEXT) },
  }),
  spec: objectOf({ finalizers: listOf(TEXT) }),
  status: objectOf({ phase: TEXT, conditions: listOf(DYN) }),
});

/** The variables of every expression, in the order of their values. */
function variablesOf(
  names: Readonly<Record<string, Type>>,
  hasParams: boolean,
): Readonly<Record<string, Type>> {
  return {
    object: DYN,
    oldObject: DYN,
    request: REQUEST,
    namespaceObject: NAMESPACE,
    variables: objectOf(names),
    ...(hasParams ? { params: DYN } : {}),
  };
}

/** What an expression may say. */
type Wanted = "bool" | "string" | "any" | "annotation";

const WANTED: Readonly<Record<Wanted, readonly string[] | undefined>> = {
  bool: ["bool"],
  string: ["string"],
  annotation: ["string", "null_type"],
  any: undefined,
};

/** Where a policy is judged. */
export interface Place {
  /** Whether it is asked about a request, and not about objects that are there. */
  readonly isGate: boolean;
}

/** Expressions of a policy, made ready one after the other. */
class Reader {
  readonly #policy: string;
  readonly #place: Place;
  readonly #hasParams: boolean;
  readonly #variables: Record<string, Type> = {};

  constructor(policy: string, place: Place, hasParams: boolean) {
    this.#policy = policy;
    this.#place = place;
    this.#hasParams = hasParams;
  }

  read(where: string, text: string, wanted: Wanted): Expression {
    const program = this.#compile(where, text, wanted);
    if (program.reads.has("request") && !this.#place.isGate) {
      throw this.#refuse(
        "unsupported",
        where,
        'it reads "request", and there is none where objects are looked at that are there already',
      );
    }
    return { text, program };
  }

  variable(where: string, name: string, text: string): Named {
    const variable = { name, ...this.read(where, text, "any") };
    this.#variables[name] = variable.program.type;
    return variable;
  }

  #compile(where: string, text: string, wanted: Wanted): Program {
    const known = variablesOf(this.#variables, this.#hasParams);
    const types = WANTED[wanted];
    try {
      return types === undefined
        ? compile(text, known)
        : compileAs(types, text, known);
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      if (/undeclared reference to 'authorizer/.test(error.message)) {
        throw this.#refuse(
          "unsupported",
          where,
          'it asks "authorizer", and nobody else\'s rights are asked for here',
        );
      }
      throw this.#refuse("invalid", where, error.message, error);
    }
  }

  #refuse(
    code: "invalid" | "unsupported",
    where: string,
    reason: string,
    cause?: unknown,
  ): TransporterError {
    return new TransporterError(
      code,
      `Cannot accept ${where} of the policy "${this.#policy}": ${reason}`,
      { details: { policy: this.#policy, rule: where }, cause },
    );
  }
}

/** What a policy says, and who is bound by it. */
export interface Source {
  readonly name: string;
  readonly spec: PolicySpec;
  readonly bindings: readonly Binding[];
}

/** How bad what a binding finds is: the worst that it asks for. */
export function severityOf(
  { validationActions }: Pick<BindingSpec, "validationActions">,
): Severity {
  if (validationActions.includes("Deny")) return "error";
  return validationActions.includes("Warn") ? "warning" : "info";
}

/**
 * Makes a policy ready.
 *
 * @throws {TransporterError} `invalid` for an expression that cannot be right, `unsupported` for one that
 * needs what there is not here; both name the policy and the rule.
 */
export function readPolicy(
  { name, spec, bindings }: Source,
  place: Place,
): Policy {
  const reader = new Reader(name, place, spec.paramKind !== undefined);
  const conditions = (spec.matchConditions ?? []).map((each, index) => ({
    name: each.name,
    ...reader.read(`matchConditions[${index}]`, each.expression, "bool"),
  }));
  const variables = (spec.variables ?? []).map((each, index) =>
    reader.variable(`variables[${index}]`, each.name, each.expression)
  );
  const validations = (spec.validations ?? []).map(
    ({ expression, message, messageExpression }, index): Validation => {
      const where = `validations[${index}]`;
      return {
        name: where,
        message,
        ...reader.read(where, expression, "bool"),
        messageExpression: messageExpression
          ? reader.read(
            `${where}.messageExpression`,
            messageExpression,
            "string",
          )
          : undefined,
      };
    },
  );
  const annotations = (spec.auditAnnotations ?? []).map((each, index) => ({
    name: each.key,
    ...reader.read(
      `auditAnnotations[${index}]`,
      each.valueExpression,
      "annotation",
    ),
  }));
  return {
    name,
    match: spec.matchConstraints,
    ...{ conditions, variables, validations, annotations, bindings },
    ignoresErrors: spec.failurePolicy === "Ignore",
    paramKind: spec.paramKind,
  };
}
