import { OVERLOADS } from "./library.ts";
import { CompileError, type Node } from "./node.ts";
import type { Overload } from "./overload.ts";
import { compileRegex } from "./regex.ts";
import { Meter } from "./meter.ts";
import type { Frame, Scope, Step } from "./scope.ts";
import { checkFormat } from "./text_format.ts";
import { DYN, fits, join, listOf, show, type Type } from "./type.ts";
import { CelError, kindOf, noOverload } from "./value.ts";

/** Conversions of literals are made once, when an expression is read. */
const CONVERSIONS: ReadonlySet<string> = new Set([
  ...["bytes", "string", "double", "duration", "int", "uint", "timestamp"],
  ...["bool", "type", "dyn"],
]);

/** Functions that do not say their name when they are given what they do not take. */
const NAMELESS: ReadonlySet<string> = new Set([
  ...["startsWith", "endsWith", "contains", "matches", "find"],
]);

/** Functions whose second argument is a regular expression. */
const REGEXES: ReadonlySet<string> = new Set(["matches", "find", "findAll"]);

/** The name of a node as it would be part of a qualified one, such as `sets` of `sets.contains`. */
function pathOf(node: Node): string | undefined {
  if (node.op === "id") return node.args;
  if (node.op !== ".") return undefined;
  const head = pathOf(node.args[0]);
  return head === undefined ? undefined : `${head}.${node.args[1]}`;
}

function rootOf(node: Node): string | undefined {
  if (node.op === "id") return node.args;
  return node.op === "." ? rootOf(node.args[0]) : undefined;
}

/** Which functions a call may mean, and what it gives them. */
function calleeOf(
  node: Node & { op: "call" | "rcall" },
  scope: Scope,
): { name: string; isMember: boolean; args: readonly Node[] } {
  if (node.op === "call") {
    return { name: node.args[0], isMember: false, args: node.args[1] };
  }
  const [name, target, args] = node.args;
  const root = rootOf(target);
  const path = pathOf(target);
  if (path !== undefined && scope.find(root!) === undefined) {
    const qualified = `${path}.${name}`;
    if (OVERLOADS.has(qualified)) {
      return { name: qualified, isMember: false, args };
    }
  }
  return { name, isMember: true, args: [target, ...args] };
}

function matchesTypes({ params }: Overload, steps: readonly Step[]): boolean {
  return params.length === steps.length &&
    params.every((param, index) => fits(steps[index]!.type, param));
}

/** Whether values are of the types that an overload takes; in a loop of its own, as each call asks. */
function matchesValues(
  { params }: Overload,
  values: readonly unknown[],
): boolean {
  for (let at = 0; at < params.length; at++) {
    const name = params[at]!.name;
    if (name !== "dyn" && name !== kindOf(values[at])) return false;
  }
  return true;
}

/** The overloads that a call may mean, by what is known of its arguments. */
function candidatesOf(
  name: string,
  isMember: boolean,
  steps: readonly Step[],
): Overload[] {
  const all = OVERLOADS.get(name);
  if (all === undefined) {
    throw new CompileError(`undeclared reference to '${name}'`);
  }
  const candidates = all.filter((each) =>
    each.isMember === isMember && matchesTypes(each, steps)
  );
  if (candidates.length > 0) return candidates;
  const types = steps.map((step) => show(step.type));
  const applied = isMember
    ? `${types[0]}.(${types.slice(1).join(", ")})`
    : `(${types.join(", ")})`;
  throw new CompileError(
    `found no matching overload for '${name}' applied to '${applied}'`,
  );
}

function checkRegex(name: string, steps: readonly Step[]): void {
  const pattern = steps[1]?.constant?.value;
  if (!REGEXES.has(name) || typeof pattern !== "string") return;
  try {
    compileRegex(pattern);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    throw new CompileError(`invalid ${name} argument: ${error.message}`);
  }
}

function converted(name: string, overload: Overload, step: Step): Step {
  try {
    const value = overload.run([step.constant!.value], new Meter());
    return { type: overload.result, constant: { value }, run: () => value };
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    throw new CompileError(`invalid ${name} argument: ${error.message}`);
  }
}

/** What is put into a text: items of any type; where the text is known, they have to fit. */
function formatArguments(
  text: Node,
  list: Node & { op: "list" },
  scope: Scope,
  compile: (node: Node, scope: Scope) => Step,
): Step {
  const items = list.args.map((each) => compile(each, scope));
  if (text.op === "value" && typeof text.args === "string") {
    checkFormat(text.args, items.map(({ type }) => type.name));
  }
  const isConstant = items.every(({ constant }) => constant !== undefined);
  return {
    type: listOf(DYN),
    run: (frame) => {
      if (!isConstant) frame.meter.spend(10);
      return items.map((item) => item.run(frame));
    },
  };
}

/** Functions that give an item of the list that they are called on. */
const ITEMS: ReadonlySet<string> = new Set(["sum", "max", "min"]);

/** The type of what comes out of a list or an optional value, as far as that is known. */
function typeOfItem(name: string, steps: readonly Step[]): Type | undefined {
  const [held = DYN] = steps[0]?.type.of ?? [];
  if (ITEMS.has(name) && steps.length === 1) return held;
  const other = steps[1]?.type;
  if (name !== "orValue" || other === undefined) return undefined;
  if (!fits(other, held)) {
    throw new CompileError(
      `found no matching overload for 'orValue' applied to '${
        show(steps[0]!.type)
      }.(${show(other)})'`,
    );
  }
  // Nothing is known of what it is called on, but that it is one of these.
  return steps[0]!.type.name === "dyn" ? other : held;
}

/** A call of a function. */
export function callStep(
  node: Node & { op: "call" | "rcall" },
  scope: Scope,
  compile: (node: Node, scope: Scope) => Step,
): Step {
  const { name, isMember, args } = calleeOf(node, scope);
  const steps = args.map((each, index) =>
    name === "format" && index === 1 && each.op === "list"
      ? formatArguments(args[0]!, each, scope, compile)
      : compile(each, scope)
  );
  const candidates = candidatesOf(name, isMember, steps);
  checkRegex(name, steps);
  const [only] = candidates;
  if (CONVERSIONS.has(name) && steps.length === 1 && steps[0]!.constant) {
    return converted(name, only!, steps[0]!);
  }
  const isKnown = candidates.length === 1;
  const type = candidates.map((each) => each.result).reduce((a, b) =>
    a === b ? a : join(a, b)
  );
  return {
    type: typeOfItem(name, steps) ?? type,
    run: (frame: Frame) => {
      const values: unknown[] = [];
      for (const step of steps) values.push(step.run(frame));
      let chosen: Overload | undefined;
      for (const each of candidates) {
        if (!matchesValues(each, values)) continue;
        chosen = each;
        break;
      }
      const { meter } = frame;
      if (chosen === undefined) {
        meter.spend(1);
        if (NAMELESS.has(name)) throw noOverload();
        const kinds = values.map(kindOf).join(", ");
        throw noOverload(name === "size" ? name : `${name}(${kinds})`);
      }
      meter.spend(isKnown || chosen.isAlways ? chosen.cost(values) : 1);
      meter.labour(chosen.work(values));
      return chosen.run(values, meter);
    },
  };
}
