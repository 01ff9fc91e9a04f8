import { isRecord, TransporterError } from "@transporter/sdk";
import * as v from "valibot";
import {
  describePlace,
  type ReadObject,
  readObjects,
} from "../k8s_resource/port.ts";
import { bindingSchema, GROUP, policySchema } from "./document.ts";
import {
  type Binding,
  type Place,
  type Policy,
  readPolicy,
  severityOf,
} from "./policy.ts";
import { type PlainRule, readRule, ruleSchema } from "./rule.ts";
import type { Fields } from "./subject.ts";

/** All that objects are judged by. */
export interface Book {
  readonly policies: readonly Policy[];
  readonly rules: readonly PlainRule[];
  /** What policies look things up in, as far as it was given with them. */
  readonly params: readonly Fields[];
  /** What whoever gave them should know. */
  readonly warnings: readonly string[];
}

/** Kinds of the group that no audit can judge by, and why. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  MutatingAdmissionPolicy: "it changes objects, and nothing is changed here",
  MutatingAdmissionPolicyBinding:
    "it binds what changes objects, and nothing is changed here",
  ValidatingWebhookConfiguration:
    "it asks a server, and only expressions are judged here",
  MutatingWebhookConfiguration:
    "it asks a server, and only expressions are judged here",
};

function refuse(
  code: "invalid" | "unsupported",
  { kind, name, place }: ReadObject,
  reason: string,
): TransporterError {
  return new TransporterError(
    code,
    `Cannot accept the ${kind} "${name}" (${describePlace(place)}): ${reason}`,
    { details: { policy: name, ...place } },
  );
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  object: ReadObject,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, object.value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? "";
  const reason = issue.expected === "never"
    ? "no such field"
    : issue.received === "undefined"
    ? "it is needed"
    : issue.message;
  throw refuse("invalid", object, `"${path}": ${reason}`);
}

function isPolicyKind(object: ReadObject, kind: string): boolean {
  return object.group === GROUP && object.kind === kind;
}

function paramKey({ apiVersion, kind }: Fields): string {
  return `${apiVersion}/${kind}`;
}

/** What is not a policy, a binding, or what a policy looks things up in. */
function refuseOthers(
  objects: readonly ReadObject[],
  paramKinds: ReadonlySet<string>,
): Fields[] {
  return objects.map((object) => {
    const reason = object.group === GROUP
      ? UNSUPPORTED[object.kind]
      : undefined;
    if (reason !== undefined) throw refuse("unsupported", object, reason);
    if (paramKinds.has(paramKey(object.value))) return object.value;
    throw refuse(
      "invalid",
      object,
      'only a ValidatingAdmissionPolicy, a ValidatingAdmissionPolicyBinding and objects of a "paramKind" can be among the policies',
    );
  });
}

/**
 * Makes documents ready to judge by.
 *
 * @param documents ValidatingAdmissionPolicies, their bindings, and what they look things up in.
 * @param place Where they are judged.
 * @throws {TransporterError} `invalid_yaml`, `invalid_manifest`, `invalid` or `unsupported`, naming what it is about.
 */
export async function readDocuments(
  documents: readonly unknown[],
  place: Place,
): Promise<Book> {
  const objects = documents.length === 0 ? [] : await readObjects(documents);
  const policies = objects
    .filter((each) => isPolicyKind(each, "ValidatingAdmissionPolicy"))
    .map((object) => ({ object, ...parsed(policySchema, object) }));
  const bindings = objects
    .filter((each) => isPolicyKind(each, "ValidatingAdmissionPolicyBinding"))
    .map((object) => ({ object, ...parsed(bindingSchema, object) }));
  const known = new Set([...policies, ...bindings].map(({ object }) => object));
  const paramKinds = new Set(
    policies.flatMap(({ spec }) =>
      spec.paramKind ? paramKey(spec.paramKind) : []
    ),
  );
  const params = refuseOthers(
    objects.filter((each) => !known.has(each)),
    paramKinds,
  );
  const names = new Set(policies.map(({ metadata }) => metadata.name));
  for (const { object, spec } of bindings) {
    if (names.has(spec.policyName)) continue;
    throw refuse(
      "invalid",
      object,
      `it binds the policy "${spec.policyName}", which is not here`,
    );
  }
  const ready = policies.map(({ metadata: { name }, spec }) => {
    const own = bindings.filter((each) => each.spec.policyName === name)
      .map(({ metadata, spec: binding }): Binding => ({
        name: metadata.name,
        severity: severityOf(binding),
        actions: binding.validationActions,
        match: binding.matchResources ?? {},
        paramRef: binding.paramRef,
      }));
    return readPolicy({ name, spec, bindings: own }, place);
  });
  const warnings = ready.filter(({ bindings: own }) => own.length === 0)
    .map(({ name }) =>
      `The policy "${name}" has no binding, so it does nothing`
    );
  return { policies: ready, rules: [], params, warnings };
}

function ruleName(source: unknown, index: number): string {
  const name = isRecord(source) ? source.name : undefined;
  return typeof name === "string" ? `rule "${name}"` : `rule ${index + 1}`;
}

/**
 * Makes rules ready.
 *
 * @throws {TransporterError} `invalid` or `unsupported`, naming the rule.
 */
export function readRules(sources: readonly unknown[]): Book {
  const ready = sources.map((source, index) => {
    const result = v.safeParse(ruleSchema, source);
    if (result.success) return readRule(result.output);
    const [issue] = result.issues;
    const reason = issue.expected === "never"
      ? "no such field"
      : issue.received === "undefined"
      ? "it is needed"
      : issue.message;
    throw new TransporterError(
      "invalid",
      `Cannot accept ${ruleName(source, index)}: "${
        v.getDotPath(issue)
      }": ${reason}`,
    );
  });
  return {
    policies: ready.flatMap((each) => "policy" in each ? each.policy : []),
    rules: ready.flatMap((each) => "plain" in each ? each.plain : []),
    params: [],
    warnings: [],
  };
}

/** Two in one. */
export function together(a: Book, b: Book): Book {
  return {
    policies: [...a.policies, ...b.policies],
    rules: [...a.rules, ...b.rules],
    params: [...a.params, ...b.params],
    warnings: [...a.warnings, ...b.warnings],
  };
}
