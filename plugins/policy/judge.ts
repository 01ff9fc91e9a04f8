import type { Policy, Validation } from "./policy.ts";
import { OutOfBudget, Run } from "./run.ts";
import type { Fields, Subject } from "./subject.ts";

/** What the expressions of a policy may cost for one object, as Kubernetes has it. */
const POLICY_COST_MAX = 10_000_000;

/** What its conditions may. */
const CONDITIONS_COST_MAX = 2_500_000;

/** Bytes of a message that an expression makes. */
const MESSAGE_BYTES_MAX = 5 * 1024;

/** Bytes of an annotation; the rest is cut off. */
const ANNOTATION_BYTES_MAX = 10 * 1024;

const encoder = new TextEncoder();

/** What a policy found about an object. */
export interface Decision {
  /** The rule that it broke, or that could not be judged. */
  readonly rule: string;
  readonly message: string;
  /** Whether the rule could not be judged, so that the policy says what comes of it. */
  readonly isError: boolean;
}

/** What a policy says about an object. */
export interface Judgement {
  readonly decisions: readonly Decision[];
  /** What it notes, by key. */
  readonly notes: Readonly<Record<string, string>>;
}

const NOTHING: Judgement = { decisions: [], notes: {} };

/** Whether the conditions of a policy hold: any that is false says no, else any that fails is why. */
function holds(
  { conditions, ignoresErrors }: Policy,
  run: Run,
): boolean | string {
  const errors: string[] = [];
  for (const condition of conditions) {
    const outcome = run.outcome(condition);
    if ("error" in outcome) errors.push(outcome.error);
    else if (outcome.value === false) return false;
  }
  if (errors.length === 0) return true;
  if (ignoresErrors) return false;
  return errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]`;
}

/** What is said of a rule that is broken. */
function messageOf(
  { text, message, messageExpression }: Validation,
  run: Run,
  isSecret: boolean,
): string {
  if (messageExpression !== undefined && !isSecret) {
    const outcome = run.outcome(messageExpression);
    const made = "value" in outcome && typeof outcome.value === "string"
      ? outcome.value.trim()
      : "";
    const fits = made !== "" && !made.includes("\n") &&
      encoder.encode(made).length <= MESSAGE_BYTES_MAX;
    if (fits) return made;
  }
  const fixed = message?.trim();
  return fixed ? fixed : `failed expression: ${text.trim()}`;
}

function decide(
  validation: Validation,
  run: Run,
  isSecret: boolean,
): Decision | undefined {
  const { name: rule } = validation;
  const outcome = run.outcome(validation);
  if ("error" in outcome) {
    // What goes wrong may quote what it went wrong with.
    const message = isSecret
      ? `expression '${validation.text}' resulted in an error`
      : outcome.error;
    return { rule, message, isError: true };
  }
  if (outcome.value === true) return undefined;
  return {
    rule,
    message: messageOf(validation, run, isSecret),
    isError: false,
  };
}

function cut(text: string): string {
  const bytes = encoder.encode(text);
  if (bytes.length <= ANNOTATION_BYTES_MAX) return text;
  return new TextDecoder().decode(bytes.slice(0, ANNOTATION_BYTES_MAX), {
    stream: true,
  });
}

function annotate(
  { annotations }: Policy,
  run: Run,
): { notes: Record<string, string>; decisions: Decision[] } {
  const notes: Record<string, string> = {};
  const decisions: Decision[] = [];
  for (const annotation of annotations) {
    const outcome = run.outcome(annotation);
    const rule = `auditAnnotations["${annotation.name}"]`;
    if ("error" in outcome) {
      decisions.push({ rule, message: outcome.error, isError: true });
    } else if (typeof outcome.value === "string") {
      const value = outcome.value.trim();
      if (value !== "") notes[annotation.name] = cut(value);
    }
  }
  return { notes, decisions };
}

function failed(rule: string, message: string): Judgement {
  return { decisions: [{ rule, message, isError: true }], notes: {} };
}

/** Runs what may end as there is nothing left to pay with. */
function within<Result>(act: () => Result): Result | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof OutOfBudget) return error.message;
    throw error;
  }
}

/** Whether an object is a Secret, whose values must not be shown. */
function isSecret({ of: { group, kind } }: Subject): boolean {
  return group === "" && kind === "Secret";
}

/**
 * What a policy says about an object that it is for, with what it looks things
 * up in.
 */
export function judge(
  policy: Policy,
  subject: Subject,
  params: Fields | null,
): Judgement {
  if (policy.conditions.length > 0) {
    const outcome = within(() =>
      holds(
        policy,
        new Run({ ...subject, namespaceObject: null }, {
          variables: [],
          limit: CONDITIONS_COST_MAX,
          params,
        }),
      )
    );
    if (outcome === false) return NOTHING;
    if (outcome !== true) return failed("matchConditions", outcome);
  }
  const { variables } = policy;
  const hidden = isSecret(subject);
  const run = new Run(subject, { variables, limit: POLICY_COST_MAX, params });
  const decisions = within(() =>
    policy.validations.flatMap((each) => decide(each, run, hidden) ?? [])
  );
  if (typeof decisions === "string") return failed("validations", decisions);
  if (policy.annotations.length === 0 || hidden) {
    return { decisions, notes: {} };
  }
  const noting = new Run(subject, {
    variables,
    limit: POLICY_COST_MAX,
    params,
  });
  const noted = within(() => annotate(policy, noting));
  return typeof noted === "string"
    ? failed("auditAnnotations", noted)
    : { decisions: [...decisions, ...noted.decisions], notes: noted.notes };
}
