import type { ResourceStatus } from "@transporter/sdk";
import type { Severity } from "./policy.ts";
import type { Subject } from "./subject.ts";

/** Findings that a result holds; all are counted. */
const FINDINGS_MAX = 5_000;

/** Characters of a message in a result. */
const MESSAGE_CHARS_MAX = 2_000;

/** One finding, in the shape of what became of an object. */
export interface Finding extends ResourceStatus {
  /** How bad it is. */
  readonly status: Severity;
  /** The policy that found it. */
  readonly policy: string;
  /** The rule of it. */
  readonly rule: string;
  /** How bad it is. */
  readonly severity: Severity;
  /** The binding by which the policy holds, if it has any. */
  readonly binding?: string;
  /** Whether the rule could not be judged. */
  readonly unjudged?: true;
}

/** How many findings there are. */
export interface Counts {
  error: number;
  warning: number;
  info: number;
}

/** How often a policy was asked, and what it found. */
export interface PolicySummary extends Readonly<Counts> {
  readonly policy: string;
  /** Objects that it was for. */
  readonly objects: number;
}

/** What an audit found. */
export interface AuditResult {
  /** The findings, as many as there is room for; the worst ones stay. */
  readonly resource_status: readonly Finding[];
  /** All of them, counted. */
  readonly summary: Readonly<Counts> & { readonly objects: number };
  /** By policy. */
  readonly policies: readonly PolicySummary[];
  /** What the producer should know. */
  readonly warnings?: readonly string[];
}

/** What was found about an object. */
export interface Found {
  readonly policy: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly binding: string | undefined;
  readonly isError?: boolean;
}

/** Warnings of a result. */
const WARNINGS_MAX = 100;

function cut(text: string): string {
  return text.length > MESSAGE_CHARS_MAX
    ? `${text.slice(0, MESSAGE_CHARS_MAX)}…`
    : text;
}

/** Collects findings in bounded room. */
export class Findings {
  readonly #kept: Readonly<Record<Severity, Finding[]>> = {
    error: [],
    warning: [],
    info: [],
  };
  readonly #counts: Counts = { error: 0, warning: 0, info: 0 };
  readonly #byPolicy = new Map<string, Counts & { objects: number }>();
  readonly #warnings = new Set<string>();
  #objects = 0;

  /** Counts an object that was looked at. */
  see(): void {
    this.#objects++;
  }

  /** How many objects were looked at. */
  get objects(): number {
    return this.#objects;
  }

  /** How many findings are errors. */
  get errors(): number {
    return this.#counts.error;
  }

  /** Counts an object that a policy was for. */
  count(policy: string): void {
    this.#of(policy).objects++;
  }

  /** Notes what the producer should know, once. */
  warn(warning: string): void {
    if (this.#warnings.size < WARNINGS_MAX) this.#warnings.add(warning);
  }

  /** Notes a finding. */
  add({ of, namespace, name }: Subject, found: Found): void {
    const { policy, rule, severity, message, binding, isError = false } = found;
    this.#counts[severity]++;
    this.#of(policy)[severity]++;
    const kept = this.#kept[severity];
    if (kept.length >= FINDINGS_MAX) return;
    kept.push({
      kind: of.kind,
      name,
      namespace,
      api_version: of.group === "" ? of.version : `${of.group}/${of.version}`,
      status: severity,
      message: cut(message),
      policy,
      rule,
      severity,
      ...(binding === undefined ? {} : { binding }),
      ...(isError ? { unjudged: true } : {}),
    });
  }

  /** What was found. */
  result(): AuditResult {
    const { error, warning, info } = this.#kept;
    const kept = [...error, ...warning, ...info].slice(0, FINDINGS_MAX);
    const all = this.#counts.error + this.#counts.warning + this.#counts.info;
    const warnings = [
      ...this.#warnings,
      ...(all > kept.length
        ? [
          `${kept.length} of ${all} findings are in the result, the worst first`,
        ]
        : []),
    ];
    return {
      resource_status: kept,
      summary: { objects: this.#objects, ...this.#counts },
      policies: [...this.#byPolicy].map(([policy, counts]) => ({
        policy,
        ...counts,
      })),
      ...(warnings.length === 0 ? {} : { warnings }),
    };
  }

  #of(policy: string): Counts & { objects: number } {
    const known = this.#byPolicy.get(policy);
    if (known !== undefined) return known;
    const counts = { objects: 0, error: 0, warning: 0, info: 0 };
    this.#byPolicy.set(policy, counts);
    return counts;
  }
}
