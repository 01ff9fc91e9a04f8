import { calculate, negate, type Operator, resultKind } from "./arithmetic.ts";
import { compare, contains, equal, find } from "./equal.ts";
import { traversal } from "./meter.ts";
import { CompileError } from "./node.ts";
import type { Step } from "./scope.ts";
import { readCost, select } from "./select.ts";
import {
  DYN,
  fits,
  join,
  listOf,
  optionalOf,
  show,
  type Type,
  type,
} from "./type.ts";
import {
  CelError,
  keyOf,
  kindOf,
  noOverload,
  Optional,
  sizeOf,
} from "./value.ts";

const BOOL = type("bool");
const ORDERED: ReadonlySet<string> = new Set([
  ...["int", "uint", "double", "string", "bool", "bytes", "dyn"],
  ...["google.protobuf.Timestamp", "google.protobuf.Duration"],
]);
const NUMBERS: ReadonlySet<string> = new Set(["int", "uint", "double"]);
const OPERANDS: readonly string[] = [
  ...["int", "uint", "double", "string", "bytes", "list"],
  ...["google.protobuf.Timestamp", "google.protobuf.Duration"],
];
export function mismatch(operator: string, ...types: Type[]): CompileError {
  return new CompileError(
    `found no matching overload for '${operator}' applied to '(${
      types.map(show).join(", ")
    })'`,
  );
}

function elementType({ name, of }: Type): Type {
  return (name === "map" ? of[1] : name === "list" ? of[0] : undefined) ?? DYN;
}

/** `a[b]` and `a[?b]`. */
export function index(left: Step, right: Step, isOptional: boolean): Step {
  const { name } = left.type;
  if (!["list", "map", "dyn", "optional_type"].includes(name)) {
    throw mismatch("_[_]", left.type, right.type);
  }
  const place = name === "list" ? type("int") : left.type.of[0] ?? DYN;
  if (name !== "optional_type" && !fits(right.type, place)) {
    throw mismatch("_[_]", left.type, right.type);
  }
  const key = right.constant?.value;
  if (typeof key === "string") {
    const selected = select(left, key, isOptional);
    return isOptional && name === "dyn" ? { ...selected, type: DYN } : selected;
  }
  const of = name === "optional_type" ? left.type.of[0] ?? DYN : left.type;
  const cost = readCost(left) - (right.isAttribute ? 1 : 0);
  const element = elementType(of);
  const isKnown = name === "list" || name === "map";
  return {
    type: name === "optional_type" || (isOptional && isKnown)
      ? optionalOf(element)
      : isOptional
      ? DYN
      : element,
    isAttribute: true,
    run: (frame) => {
      const value = left.run(frame);
      const place = right.run(frame);
      const inner = value instanceof Optional ? value.value : value;
      const found = inner === undefined ? undefined : find(inner, place);
      if (found !== undefined || !isOptional) frame.meter.spend(cost);
      if (isOptional || value instanceof Optional) return new Optional(found);
      if (found !== undefined) return found;
      throw new CelError(
        Array.isArray(value)
          ? `index out of bounds: ${keyOf(place)}`
          : `no such key: ${
            typeof place === "string" ? place : String(keyOf(place))
          }`,
      );
    },
  };
}

/** `a && b` and `a || b`: an error of one side does not count when the other decides. */
export function logical(left: Step, right: Step, decides: boolean): Step {
  for (const { type: each } of [left, right]) {
    if (!fits(each, BOOL)) {
      throw new CompileError(
        `expected type 'bool' but found '${show(each)}'`,
      );
    }
  }
  return {
    type: BOOL,
    run: (frame) => {
      let failure: unknown;
      let first: unknown;
      try {
        first = left.run(frame);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure = error;
      }
      if (first === decides) return decides;
      if (failure === undefined && typeof first !== "boolean") {
        failure = noOverload();
      }
      let second: unknown;
      try {
        second = right.run(frame);
      } catch (error) {
        // What went wrong first is told.
        throw error instanceof CelError ? failure ?? error : error;
      }
      if (second === decides) return decides;
      if (failure !== undefined) throw failure;
      if (typeof second !== "boolean") throw noOverload();
      return second;
    },
  };
}

export function conditional(test: Step, yes: Step, no: Step): Step {
  if (!fits(test.type, BOOL)) throw mismatch("_?_:_", test.type);
  if (!fits(yes.type, no.type) && !fits(no.type, yes.type)) {
    throw mismatch("_?_:_", test.type, yes.type, no.type);
  }
  return {
    type: join(yes.type, no.type),
    run: (frame) => {
      const chosen = test.run(frame);
      if (typeof chosen !== "boolean") throw noOverload();
      const branch = chosen ? yes : no;
      const value = branch.run(frame);
      if (branch.isAttribute) frame.meter.cost -= 1;
      return value;
    },
  };
}

export function equality(left: Step, right: Step, wanted: boolean): Step {
  if (!fits(left.type, right.type) && !fits(right.type, left.type)) {
    throw mismatch(wanted ? "_==_" : "_!=_", left.type, right.type);
  }
  return {
    type: BOOL,
    run: (frame) => {
      const a = left.run(frame);
      const b = right.run(frame);
      const { meter } = frame;
      meter.spend(traversal(Math.min(sizeOf(a), sizeOf(b))));
      return equal(a, b, meter) === wanted;
    },
  };
}

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

export function ordering(operator: string, left: Step, right: Step): Step {
  const [a, b] = [left.type, right.type];
  const areNumbers = NUMBERS.has(a.name) && NUMBERS.has(b.name);
  if (
    !ORDERED.has(a.name) || !ORDERED.has(b.name) ||
    (!areNumbers && !fits(a, b))
  ) throw mismatch(`_${operator}_`, a, b);
  const isRight = ORDERS[operator]!;
  const isText = a.name === "string" && b.name === "string";
  return {
    type: BOOL,
    run: (frame) => {
      const x = left.run(frame);
      const y = right.run(frame);
      const size = Math.min(sizeOf(x), sizeOf(y));
      frame.meter.spend(isText ? traversal(size) : 1);
      frame.meter.labour(size / 10);
      if (!ORDERED.has(kindOf(x))) throw noOverload(`_${operator}_`);
      return isRight(compare(x, y));
    },
  };
}

/** What an operator may make of two types, either of which may not be known. */
function kindsOf(operator: Operator, a: string, b: string): Set<string> {
  const lefts = a === "dyn" ? OPERANDS : [a];
  const rights = b === "dyn" ? OPERANDS : [b];
  return new Set(
    lefts.flatMap((left) =>
      rights.flatMap((right) => resultKind(operator, left, right) ?? [])
    ),
  );
}

export function arithmetic(operator: Operator, left: Step, right: Step): Step {
  const [a, b] = [left.type, right.type];
  const kinds = kindsOf(operator, a.name, b.name);
  if (kinds.size === 0) throw mismatch(`_${operator}_`, a, b);
  const [only = "dyn"] = kinds.size === 1 ? kinds : [];
  const isText = only === "string";
  return {
    type: only === "list"
      ? listOf(join(a.of[0] ?? DYN, b.of[0] ?? DYN))
      : type(only),
    run: (frame) => {
      const x = left.run(frame);
      const y = right.run(frame);
      const size = operator === "+" ? sizeOf(x) + sizeOf(y) : 1;
      frame.meter.spend(isText ? traversal(size) : 1);
      frame.meter.labour(Array.isArray(x) ? size * 2 : size / 10);
      return calculate(operator, x, y);
    },
  };
}

export function membership(left: Step, right: Step): Step {
  const { name } = right.type;
  if (name !== "list" && name !== "map" && name !== "dyn") {
    throw mismatch("@in", left.type, right.type);
  }
  const element = name === "map" ? right.type.of[0] : right.type.of[0];
  if (element !== undefined && !fits(left.type, element)) {
    throw mismatch("@in", left.type, right.type);
  }
  const isList = name === "list";
  const isConstant = right.constant !== undefined;
  return {
    type: BOOL,
    run: (frame) => {
      const value = left.run(frame);
      const within = right.run(frame);
      if (!isConstant) frame.meter.spend(isList ? sizeOf(within) : 1);
      return contains(value, within, frame.meter);
    },
  };
}

export function unary(operator: "!_" | "-_", operand: Step): Step {
  const { name } = operand.type;
  if (operator === "!_" ? name !== "bool" : !["int", "double"].includes(name)) {
    if (name !== "dyn") throw mismatch(operator, operand.type);
  }
  return {
    type: operator === "!_" ? BOOL : operand.type,
    run: (frame) => {
      const value = operand.run(frame);
      frame.meter.spend(1);
      if (operator === "-_") return negate(value);
      if (typeof value !== "boolean") throw noOverload();
      return !value;
    },
  };
}
