import { setImmediate } from "node:timers";
import type { Book } from "./book.ts";
import type { Findings } from "./findings.ts";
import { judge } from "./judge.ts";
import type { MatchResources } from "./document.ts";
import {
  hasNames,
  isPolicyKind,
  type Matching,
  matchKind,
  matchLabels,
} from "./match.ts";
import { type Params, undecided } from "./params.ts";
import type { Binding, Policy } from "./policy.ts";
import type { Kind, Subject } from "./subject.ts";

/** What judging objects needs. */
export interface AuditorOptions {
  readonly book: Book;
  readonly findings: Findings;
  readonly params: Params;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** How long is judged before others get their turn, in milliseconds: an agent has one thread. */
const TURN_MS = 20;

/** Judges objects one after the other. */
export class Auditor {
  readonly #options: AuditorOptions;
  /** How policies see kinds, as that is the same for all of their objects. */
  readonly #matchings = new Map<Policy, WeakMap<Kind, Matching>>();

  /** Which of them are for some names only. */
  readonly #named = new Map<MatchResources, boolean>();

  #turnedAt = Date.now();

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Which policies judge a kind in which of its versions: its own, or another one that they are for. */
  matching(policy: Policy, of: Kind): Matching {
    let known = this.#matchings.get(policy);
    if (known === undefined) this.#matchings.set(policy, known = new WeakMap());
    let matching = known.get(of);
    if (matching === undefined) {
      matching = isPolicyKind(of)
        ? { kind: "no" } // as on an API server
        : matchKind(policy.match, { of, operation: "CREATE" });
      known.set(of, matching);
    }
    return matching;
  }

  /** Judges an object by some of the policies, and by the rules if they are asked. */
  async judge(
    subject: Subject,
    policies: readonly Policy[],
    withRules: boolean,
  ): Promise<void> {
    const { book, findings } = this.#options;
    if (withRules) {
      findings.see();
      for (const rule of book.rules) {
        if (!rule.isFor(subject.of) || subject.object === null) continue;
        const { name: policy, type, severity } = rule;
        findings.count(policy);
        for (const message of rule.problems(subject.object, subject.of)) {
          const found = { policy, rule: type, severity, message };
          findings.add(subject, { ...found, binding: undefined });
        }
      }
    }
    for (const policy of policies) {
      if (!this.#isFor(policy, subject)) continue;
      for (const binding of policy.bindings) {
        if (!isBound(binding, subject)) continue;
        findings.count(policy.name);
        if (policy.paramKind === undefined) {
          this.#note(policy, binding, subject, judge(policy, subject, null));
        } else await this.#judgeBy(policy, binding, subject);
        // Half the time of most policies would be that of looking at a clock of higher resolution.
        if (Date.now() - this.#turnedAt >= TURN_MS) await this.#turn();
      }
    }
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#options.signal.throwIfAborted();
    this.#turnedAt = Date.now();
  }

  #isFor(policy: Policy, subject: Subject): boolean {
    const { match, isFor } = policy;
    if (isFor !== undefined && !isFor(subject.of)) return false;
    if (this.matching(policy, subject.of).kind === "no") return false;
    const isNamed = this.#named.get(match) ?? hasNames(match);
    this.#named.set(match, isNamed);
    return (!isNamed || matchKind(match, subject).kind !== "no") &&
      matchLabels(match, subject);
  }

  /** Judges an object with what a policy looks things up in. */
  async #judgeBy(
    policy: Policy,
    binding: Binding,
    subject: Subject,
  ): Promise<void> {
    const { params } = this.#options;
    let found;
    try {
      found = await params.find(policy, binding, subject);
    } catch (error) {
      this.#note(policy, binding, subject, {
        decisions: [undecided(error)],
        notes: {},
      });
      return;
    }
    for (const each of found) {
      this.#note(policy, binding, subject, judge(policy, subject, each));
    }
  }

  #note(
    policy: Policy,
    { name: binding, severity }: Binding,
    subject: Subject,
    { decisions, notes }: ReturnType<typeof judge>,
  ): void {
    const { findings } = this.#options;
    for (const { rule, message, isError } of decisions) {
      if (isError && policy.ignoresErrors) {
        findings.warn(
          `The policy "${policy.name}" could not be judged for some objects, and ignores that: ${message}`,
        );
        continue;
      }
      const found = { policy: policy.name, rule, severity, message, binding };
      findings.add(subject, { ...found, isError });
    }
    for (const [key, message] of Object.entries(notes)) {
      findings.add(subject, {
        policy: policy.name,
        rule: `auditAnnotations["${key}"]`,
        severity: "info",
        message,
        binding,
      });
    }
  }
}

function isBound({ match }: Binding, subject: Subject): boolean {
  // The policy itself has been asked; most bindings say no more.
  if (Object.keys(match).length === 0) return true;
  return matchKind(match, subject).kind !== "no" && matchLabels(match, subject);
}
