import {
  adapt,
  CelError,
  CostError,
  LazyMap,
  Meter,
  type Program,
} from "../cel/mod.ts";
import type { Expression, Named } from "./policy.ts";
import type { Fields, Subject } from "./subject.ts";

/** The cost that a policy has left for an object. */
class Budget {
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  /** Takes what a run has cost. */
  take(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new OutOfBudget();
  }
}

/** The end of a policy's budget. */
export class OutOfBudget extends Error {
  override readonly name = "OutOfBudget";
  constructor() {
    super(
      "validation failed due to running out of cost budget, no further validation rules will be run",
    );
  }
}

/** The variables of a policy, computed when they are first read. */
class Variables extends LazyMap {
  readonly #known = new Map<string, unknown>();
  readonly #failed = new Map<string, CelError>();
  readonly #sources: ReadonlyMap<string, Named>;
  readonly #run: (program: Program) => unknown;

  constructor(
    variables: readonly Named[],
    run: (program: Program) => unknown,
  ) {
    super();
    this.#sources = new Map(variables.map((each) => [each.name, each]));
    this.#run = run;
  }

  get(name: string): unknown {
    const failed = this.#failed.get(name);
    if (failed !== undefined) throw failed;
    const source = this.#sources.get(name);
    if (source === undefined || this.#known.has(name)) {
      return this.#known.get(name);
    }
    try {
      const value = adapt(this.#run(source.program));
      this.#known.set(name, value);
      return value;
    } catch (error) {
      if (!(error instanceof CelError || error instanceof CostError)) {
        throw error;
      }
      const reason = new CelError(
        `composited variable "${name}" fails to evaluate: ${error.message}`,
      );
      this.#failed.set(name, reason);
      throw reason;
    }
  }
}

const NO_VARIABLES = new Variables([], () => undefined);

/** How many values all expressions of a policy have in common. */
const COMMON = 6;

/** The outcome of an expression: what it says, or why it does not. */
export type Outcome = { readonly value: unknown } | { readonly error: string };

/** Runs the expressions of a policy for an object. */
export class Run {
  readonly #values: unknown[];
  readonly #budget: Budget;

  constructor(
    subject: Subject,
    { variables, limit, params }: {
      readonly variables: readonly Named[];
      readonly limit: number;
      readonly params: Fields | null;
    },
  ) {
    const { object, oldObject, request = null, namespaceObject } = subject;
    this.#budget = new Budget(limit);
    const lazy = variables.length === 0 ? NO_VARIABLES : new Variables(
      variables,
      // What asks for a variable has values of its own behind those of all.
      (program) => this.#meter(program, this.#values.slice(0, COMMON)),
    );
    this.#values = [object, oldObject, request, namespaceObject, lazy, params];
  }

  #meter(program: Program, values: unknown[] = this.#values): unknown {
    const meter = new Meter();
    try {
      return program.run(values, meter);
    } finally {
      this.#budget.take(Math.min(meter.cost, meter.limit));
    }
  }

  outcome({ text, program }: Expression): Outcome {
    try {
      return { value: this.#meter(program) };
    } catch (error) {
      // What is nested too deep for the stack is no fault of ours.
      const isKnown = error instanceof CelError ||
        error instanceof CostError || error instanceof RangeError;
      if (!isKnown) throw error;
      const { message } = error;
      return { error: `expression '${text}' resulted in error: ${message}` };
    }
  }
}
