import { TransporterError } from "@transporter/sdk";
import type { Gate, Write } from "../k8s_resource/port.ts";
import { type Book, readDocuments } from "./book.ts";
import { guard } from "./guard.ts";
import { type Decision, judge, type Judgement } from "./judge.ts";
import { Lately, type LatelyOptions, type View } from "./lately.ts";
import { bareNamespace } from "./live.ts";
import { matchBoth } from "./match.ts";
import { Params, undecided } from "./params.ts";
import type { Binding, Policy } from "./policy.ts";
import { isEmpty } from "./selector.ts";
import type { Fields, Subject } from "./subject.ts";

/** What {@linkcode PolicyGate} needs. */
export interface GateOptions extends LatelyOptions {
  /** The documents: ValidatingAdmissionPolicies, their bindings, what they look things up in. */
  readonly documents: readonly string[];
}

/** What a write does, for people. */
const DEEDS: Readonly<Record<Write["operation"], string>> = {
  CREATE: "create",
  UPDATE: "change",
  DELETE: "delete",
};

function reads(policy: Policy, name: string): boolean {
  return [
    ...policy.conditions,
    ...policy.variables,
    ...policy.annotations,
    ...policy.validations,
    ...policy.validations.flatMap((each) => each.messageExpression ?? []),
  ].some(({ program }) => program.reads.has(name));
}

/** Whether a policy looks at the Namespace of an object. */
function looksAtNamespace(policy: Policy): boolean {
  return reads(policy, "namespaceObject") ||
    [policy, ...policy.bindings].some(({ match }) =>
      !isEmpty(match.namespaceSelector ?? {})
    );
}

/** A policy that judges one write. */
interface Case {
  readonly policy: Policy;
  readonly write: Write;
}

/** A policy that decides only this. */
function only(decision: Decision): Judgement {
  return { decisions: [decision], notes: {} };
}

/** What is said of a write that passes: it is warned of, or only noted. */
function remark(
  { name }: Policy,
  { severity }: Pick<Binding, "severity">,
  { rule, message }: Pick<Decision, "rule" | "message">,
): string {
  const verb = severity === "warning" ? "" : " notes";
  return `The policy "${name}" of this agent (${rule})${verb}: ${message}`;
}

/** What a policy notes of a write, whether it holds or not. */
function notesOf(policy: Policy, { notes }: Judgement): string[] {
  return Object.entries(notes).map(([key, message]) =>
    remark(policy, { severity: "info" }, {
      rule: `auditAnnotations["${key}"]`,
      message,
    })
  );
}

function refusal({ policy, write }: Case, found: Decision): TransporterError {
  const { operation, kind, name, namespace } = write;
  const where = namespace === "" ? "" : ` in namespace "${namespace}"`;
  return new TransporterError(
    "denied",
    `Cannot ${
      DEEDS[operation]
    } ${kind} "${name}"${where}: the policy "${policy.name}" of this agent (${found.rule}) does not allow it: ${found.message}`,
    { details: { policy: policy.name, rule: found.rule } },
  );
}

/** Judges writes by the operator's policies. */
export class PolicyGate implements Gate {
  readonly #book: Book;
  readonly #lately: Lately;
  readonly #needsNamespace: boolean;
  readonly #needsParams: boolean;
  readonly #needsRequest: boolean;

  /**
   * Reads the policies.
   *
   * @throws {TransporterError} As {@linkcode readDocuments}.
   */
  static async open(options: GateOptions): Promise<PolicyGate> {
    const book = await readDocuments(options.documents, { isGate: true });
    for (const warning of book.warnings) options.warn(warning);
    return new PolicyGate(book, options);
  }

  /** Made by {@linkcode PolicyGate.open}. */
  constructor(book: Book, options: GateOptions) {
    this.#book = book;
    this.#lately = new Lately(options);
    this.#needsParams = book.policies.some(({ paramKind }) =>
      paramKind !== undefined
    );
    this.#needsNamespace = book.policies.some(looksAtNamespace);
    this.#needsRequest = book.policies.some((each) => reads(each, "request"));
  }

  async check(write: Write, signal: AbortSignal): Promise<readonly string[]> {
    const view = this.#needsNamespace || this.#needsParams
      ? await this.#lately.view(signal)
      : undefined;
    const subject = await this.#subjectOf(write, view);
    const params = new Params(this.#book.params, view);
    const told: string[] = [];
    let changes = write.group === "" && write.kind === "Namespace";
    for (const policy of this.#book.policies) {
      for (const binding of policy.bindings) {
        const kept = guard(policy, binding, write, this.#book.params);
        if (kept) changes = true;
        const judgements = [
          ...kept ? [only(kept)] : [],
          ...await this.#judge(policy, binding, { subject, params }),
        ];
        for (const found of judgements.flatMap((each) => each.decisions)) {
          if (found.isError && policy.ignoresErrors) continue;
          if (binding.severity === "error") {
            throw refusal({ policy, write }, found);
          }
          told.push(remark(policy, binding, found));
        }
        told.push(...judgements.flatMap((each) => notesOf(policy, each)));
      }
    }
    if (changes) this.#lately.clear();
    return told;
  }

  async #subjectOf(write: Write, view: View | undefined): Promise<Subject> {
    const { group, version, kind, resource, namespace, name } = write;
    const { operation, object, oldObject } = write;
    const known = this.#needsNamespace && namespace !== ""
      ? await view?.namespaceObject(namespace)
      : undefined;
    const namespaceObject = namespace === ""
      ? null
      : known ?? bareNamespace(namespace);
    const request = this.#needsRequest
      ? await this.#requestOf(write)
      : undefined;
    return {
      of: {
        ...{ group, version, kind, resource },
        namespaced: namespace !== "",
      },
      ...{ namespace, name, operation, object, oldObject, namespaceObject },
      ...(request === undefined ? {} : { request }),
    };
  }

  async #requestOf(write: Write): Promise<Fields> {
    const { group, version, kind, resource, namespace, name } = write;
    const of = { group, version, kind };
    const at = { group, version, resource };
    return {
      ...{ kind: of, requestKind: of, resource: at, requestResource: at },
      ...{ subResource: "", requestSubResource: "", name, namespace },
      operation: write.operation,
      userInfo: await write.user(),
      dryRun: false,
      options: {},
    };
  }

  async #judge(
    policy: Policy,
    binding: Binding,
    { subject, params }: { readonly subject: Subject; readonly params: Params },
  ): Promise<readonly Judgement[]> {
    const matching = matchBoth(policy.match, binding.match, subject);
    if (matching.kind === "no") return [];
    if (matching.kind === "version") {
      const versions = matching.versions.join(", ");
      const message =
        `it is for ${subject.of.kind} in the version ${versions}; send it in that version`;
      return [only({ rule: "matchConstraints", message, isError: true })];
    }
    let found: readonly (Fields | null)[];
    try {
      found = await params.find(policy, binding, subject);
    } catch (error) {
      return [only(undecided(error))];
    }
    return found.map((each) => judge(policy, subject, each));
  }
}
