import { callStep } from "./call.ts";
import { comprehension } from "./comprehension.ts";
import { CompileError, type Node, unsigned } from "./node.ts";
import {
  arithmetic,
  conditional,
  equality,
  index,
  logical,
  membership,
  ordering,
  unary,
} from "./operators.ts";
import type { Scope, Step } from "./scope.ts";
import { select } from "./select.ts";
import { DYN, fits, listOf, mapOf, show, type Type, type } from "./type.ts";
import { Double, keyOf, kindOf, TypeValue, Uint } from "./value.ts";

const TYPES: ReadonlySet<string> = new Set([
  ...["int", "uint", "double", "bool", "string", "bytes", "list", "map"],
  ...["null_type", "type"],
]);

function literal(value: unknown): Step {
  const number = unsigned(value);
  if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) {
    throw new CompileError("invalid int literal");
  }
  const made = typeof value === "number"
    ? new Double(value)
    : number === undefined
    ? value
    : new Uint(number);
  return constant(made, type(kindOf(made)));
}

function constant(value: unknown, of: Type): Step {
  return { type: of, constant: { value }, run: () => value };
}

function variable(name: string, scope: Scope): Step {
  const found = scope.find(name);
  if (found === undefined) {
    if (TYPES.has(name)) return constant(new TypeValue(name), type("type"));
    throw new CompileError(`undeclared reference to '${name}'`);
  }
  const { slot, type: of } = found;
  return {
    type: of,
    isAttribute: true,
    run: ({ values, meter }) => {
      meter.spend(1);
      return values[slot];
    },
  };
}

/** Whether two items may be in the same literal: what is known of one is known of the other. */
function isAlike(a: Type, b: Type): boolean {
  return (a.name === "dyn") === (b.name === "dyn") && fits(a, b);
}

function list(items: readonly Step[]): Step {
  const [first, ...others] = items;
  for (const { type: each } of others) {
    if (!isAlike(each, first!.type)) {
      throw new CompileError(
        `expected type '${show(first!.type)}' but found '${show(each)}'`,
      );
    }
  }
  const of = listOf(first?.type ?? DYN);
  if (items.every(({ constant: each }) => each !== undefined)) {
    return constant(items.map((each) => each.constant!.value), of);
  }
  return {
    type: of,
    run: (frame) => {
      frame.meter.spend(10);
      return items.map((item) => item.run(frame));
    },
  };
}

function map(entries: readonly (readonly [Step, Step])[]): Step {
  const [first] = entries;
  for (const [key, value] of entries) {
    for (const [found, wanted] of [[key, first![0]], [value, first![1]]]) {
      if (!isAlike(found!.type, wanted!.type)) {
        throw new CompileError(
          `expected type '${show(wanted!.type)}' but found '${
            show(found!.type)
          }'`,
        );
      }
    }
  }
  const of = mapOf(first?.[0].type ?? DYN, first?.[1].type ?? DYN);
  const make = (pairs: (readonly [unknown, unknown])[]) => {
    return new Map(pairs.map(([key, value]) => [keyOf(key), value]));
  };
  const isConstant = entries.every((pair) =>
    pair.every((each) => each.constant)
  );
  if (isConstant) {
    const value = make(
      entries.map(([key, each]) =>
        [key.constant!.value, each.constant!.value] as const
      ),
    );
    return constant(value, of);
  }
  return {
    type: of,
    run: (frame) => {
      frame.meter.spend(30);
      return make(
        entries.map(([key, value]) =>
          [key.run(frame), value.run(frame)] as const
        ),
      );
    },
  };
}

/** A literal below zero. */
function negative(node: Node): Step | undefined {
  if (node.op !== "-_" || node.args.op !== "value") return undefined;
  const { args: value } = node.args;
  if (typeof value === "bigint") return literal(-value);
  return typeof value === "number" ? literal(-value) : undefined;
}

/** Makes a part of an expression ready to run, and checks its types. */
export function compileNode(node: Node, scope: Scope): Step {
  const at = (each: Node) => compileNode(each, scope);
  switch (node.op) {
    case "value":
      return literal(node.args);
    case "id":
      return variable(node.args, scope);
    case ".":
    case ".?":
      return select(at(node.args[0]), node.args[1], node.op === ".?");
    case "[]":
    case "[?]":
      return index(at(node.args[0]), at(node.args[1]), node.op === "[?]");
    case "&&":
    case "||":
      return logical(at(node.args[0]), at(node.args[1]), node.op === "||");
    case "?:":
      return conditional(at(node.args[0]), at(node.args[1]), at(node.args[2]));
    case "==":
    case "!=":
      return equality(at(node.args[0]), at(node.args[1]), node.op === "==");
    case "<":
    case "<=":
    case ">":
    case ">=":
      return ordering(node.op, at(node.args[0]), at(node.args[1]));
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return arithmetic(node.op, at(node.args[0]), at(node.args[1]));
    case "in":
      return membership(at(node.args[0]), at(node.args[1]));
    case "!_":
    case "-_":
      return negative(node) ?? unary(node.op, at(node.args));
    case "list":
      return list(node.args.map(at));
    case "map":
      return map(
        node.args.map(([key, value]) => [at(key), at(value)] as const),
      );
    case "call":
    case "rcall":
      return comprehension(node, scope, compileNode) ??
        callStep(node, scope, compileNode);
  }
}
