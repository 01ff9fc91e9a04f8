import {
  exactlyOne,
  gather,
  type Loop,
  mustBeBool,
  quantifier,
  sortBy,
  toMap,
} from "./loops.ts";
import { CompileError, type Node } from "./node.ts";
import type { Scope, Step } from "./scope.ts";
import { presence } from "./select.ts";
import { DYN, fits, optionalOf, show, type Type, type } from "./type.ts";
import { NONE, noOverload, Optional } from "./value.ts";

/** How parts of an expression are made ready. */
type Compile = (node: Node, scope: Scope) => Step;

const INT = type("int");

function name(node: Node | undefined): string {
  if (node?.op !== "id") {
    throw new CompileError("argument must be a simple name");
  }
  if (node.args === "__result__") {
    throw new CompileError(
      "iteration variable overwrites accumulator variable",
    );
  }
  return node.args;
}

const BOOL_FIRST: ReadonlySet<string> = new Set([
  ...["all", "exists", "exists_one", "existsOne", "filter"],
]);

function loopOf(
  target: Node,
  args: readonly Node[],
  isPair: boolean,
  scope: Scope,
  compile: Compile,
): Loop {
  const range = compile(target, scope);
  const { name: kind, of } = range.type;
  if (kind !== "list" && kind !== "map" && kind !== "dyn") {
    throw new CompileError(
      `expression of type '${
        show(range.type)
      }' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
  }
  const key = kind === "dyn" ? DYN : kind === "map" ? of[0] ?? DYN : INT;
  const item = kind === "map" ? of[1] ?? DYN : of[0] ?? DYN;
  const single: Type = kind === "map" ? key : item;
  const outer = scope.with(name(args[0]), isPair ? key : single);
  if (isPair && name(args[0]) === name(args[1])) {
    throw new CompileError(`duplicate variable name: ${name(args[0])}`);
  }
  const inner = isPair ? outer.scope.with(name(args[1]), item) : outer;
  const bodies = args.slice(isPair ? 2 : 1).map((each) =>
    compile(each, inner.scope)
  );
  return { range, isPair, bodies, first: outer.slot, second: inner.slot };
}

/** `optMap` and `optFlatMap`. */
function optional(
  target: Node,
  args: readonly Node[],
  isFlat: boolean,
  scope: Scope,
  compile: Compile,
): Step {
  const from = compile(target, scope);
  if (!fits(from.type, type("optional_type"))) {
    throw new CompileError(
      `found no matching overload for '${
        isFlat ? "optFlatMap" : "optMap"
      }' applied to '${show(from.type)}'`,
    );
  }
  const { scope: inner, slot } = scope.with(
    name(args[0]),
    from.type.of[0] ?? DYN,
  );
  const body = compile(args[1]!, inner);
  return {
    type: isFlat ? body.type : optionalOf(body.type),
    run: (frame) => {
      const value = from.run(frame);
      frame.meter.spend(1);
      if (!(value instanceof Optional)) throw noOverload();
      if (value.value === undefined) {
        frame.meter.spend(1);
        return NONE;
      }
      from.run(frame);
      frame.meter.spend(isFlat ? 1 : 2);
      frame.values[slot] = value.value;
      const made = body.run(frame);
      return isFlat ? made : new Optional(made);
    },
  };
}

function macro(macroName: string, loop: Loop): Step | undefined {
  const { bodies, isPair } = loop;
  const [first, second] = bodies;
  const body = second ?? first!;
  const test = second === undefined ? undefined : first;
  if (BOOL_FIRST.has(macroName)) mustBeBool(first!);
  switch (macroName) {
    case "all":
      return quantifier(loop, false);
    case "exists":
      return quantifier(loop, true);
    case "exists_one":
    case "existsOne":
      return exactlyOne(loop);
    case "filter": {
      const of = loop.range.type;
      const item = of.name === "dyn" ? DYN : of.of[0] ?? DYN;
      return gather(loop, first, item, (_frame, value) => value, 1);
    }
    case "map":
    case "transformList":
      return gather(loop, test, body.type, (frame) => body.run(frame));
    case "transformMap":
      return toMap(loop, test, body, false);
    case "transformMapEntry":
      return toMap(loop, test, body, true);
    case "sortBy":
      return isPair ? undefined : sortBy(loop);
    default:
      return undefined;
  }
}

/** How many arguments each macro has, with one variable and with two. */
const SHAPES: Readonly<
  Record<string, readonly (readonly [number, boolean])[]>
> = {
  all: [[2, false], [3, true]],
  exists: [[2, false], [3, true]],
  exists_one: [[2, false], [3, true]],
  existsOne: [[2, false], [3, true]],
  filter: [[2, false]],
  map: [[2, false], [3, false]],
  transformList: [[3, true], [4, true]],
  transformMap: [[3, true], [4, true]],
  transformMapEntry: [[3, true], [4, true]],
  sortBy: [[2, false]],
};

/** `has`, and the functions that bind a variable; `undefined` when the call is none of them. */
export function comprehension(
  node: Node & { op: "call" | "rcall" },
  scope: Scope,
  compile: Compile,
): Step | undefined {
  if (node.op === "call") {
    const [callee, [argument, ...more]] = node.args;
    if (callee !== "has" || argument === undefined || more.length > 0) {
      return undefined;
    }
    if (argument.op !== "." && argument.op !== ".?") {
      throw new CompileError("invalid argument to has() macro");
    }
    return presence(compile(argument.args[0], scope), argument.args[1]);
  }
  const [callee, target, args] = node.args;
  if ((callee === "optMap" || callee === "optFlatMap") && args.length === 2) {
    return optional(target, args, callee === "optFlatMap", scope, compile);
  }
  const shapes = Object.hasOwn(SHAPES, callee) ? SHAPES[callee]! : [];
  const shape = shapes.find(([count]) => count === args.length);
  if (shape === undefined) return undefined;
  return macro(callee, loopOf(target, args, shape[1], scope, compile));
}
