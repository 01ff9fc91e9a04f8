/**
 * CEL as Kubernetes 1.36 has it: expressions over JSON, which are checked
 * before they run, and stopped when they cost too much.
 *
 * @module
 */
import { compileNode } from "./compile.ts";
import { Meter } from "./meter.ts";
import { CompileError, read } from "./node.ts";
import { Scope } from "./scope.ts";
import { show, type Type } from "./type.ts";

export { CompileError } from "./node.ts";
export { compareQuantities, isQuantity } from "./lib_quantity.ts";
export { CALL_COST_MAX, CostError, Meter } from "./meter.ts";
export { readPaths } from "./paths.ts";
export { DYN, fits, listOf, mapOf, objectOf, type Type, type } from "./type.ts";
export { adapt, CelError, kindOf, LazyMap } from "./value.ts";

/** An expression that is ready to run. */
export interface Program {
  /** What it says, as far as that is known. */
  readonly type: Type;
  /** The variables that it reads; those that it binds itself may be among them. */
  readonly reads: ReadonlySet<string>;
  /**
   * Runs it.
   *
   * @param values Those of the variables, in the order in which they were declared; what comes after them in
   * the array is written over.
   * @throws {CelError} When it goes wrong.
   * @throws {CostError} When it costs more than the meter allows.
   */
  run(values: unknown[], meter?: Meter): unknown;
}

/**
 * Reads an expression.
 *
 * @param text The expression.
 * @param variables What it may use: names and types.
 * @throws {CompileError} When it cannot be read, or can never be right.
 */
export function compile(
  text: string,
  variables: Readonly<Record<string, Type>>,
): Program {
  const slots = new Map(
    Object.entries(variables).map(([name, type], slot) =>
      [name, { slot, type }] as const
    ),
  );
  const scope = new Scope(slots);
  const step = compileNode(read(text), scope);
  return {
    type: step.type,
    reads: scope.used,
    run: (values, meter = new Meter()) => step.run({ values, meter }),
  };
}

/**
 * The same, for an expression that is known to say something of a type, as the
 * API server wants it: `object.spec.hostNetwork == true`, not
 * `object.spec.hostNetwork`.
 *
 * @throws {CompileError} Also when it says something else.
 */
export function compileAs(
  wanted: readonly string[],
  text: string,
  variables: Readonly<Record<string, Type>>,
): Program {
  const program = compile(text, variables);
  if (wanted.includes(program.type.name)) return program;
  throw new CompileError(
    `must evaluate to ${wanted.join(" or ")} but got ${show(program.type)}`,
  );
}
