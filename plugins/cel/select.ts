import { CompileError } from "./node.ts";
import type { Step } from "./scope.ts";
import { DYN, optionalOf, show, type Type } from "./type.ts";
import { CelError, kindOf, lookUp, Optional } from "./value.ts";

/** The type of a field. */
function fieldType({ name, of, fields }: Type, field: string): Type {
  if (name === "optional_type") return fieldType(of[0] ?? DYN, field);
  if (name === "dyn") return DYN;
  if (name !== "map") {
    throw new CompileError(
      `type '${show({ name, of })}' does not support field selection`,
    );
  }
  if (fields === undefined) return of[1] ?? DYN;
  if (!Object.hasOwn(fields, field)) {
    throw new CompileError(`undefined field '${field}'`);
  }
  return fields[field]!;
}

function fieldOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) {
    throw new CelError("unsupported index type 'string' in list");
  }
  return kindOf(value) === "map" ? lookUp(value, name) : undefined;
}

/** What reading out of something costs beside reading it: more where that is no variable or field. */
export function readCost(from: Step): number {
  return from.isAttribute ? 1 : 2;
}

/** `a.b` and `a.?b`. */
export function select(from: Step, name: string, isOptional: boolean): Step {
  const of = fieldType(from.type, name);
  const cost = readCost(from);
  if (isOptional || from.type.name === "optional_type") {
    return {
      type: optionalOf(of),
      isAttribute: true,
      run: (frame) => {
        const value = from.run(frame);
        const inner = value instanceof Optional ? value.value : value;
        const found = inner === undefined ? undefined : fieldOf(inner, name);
        if (found !== undefined) frame.meter.spend(cost);
        return new Optional(found);
      },
    };
  }
  return {
    type: of,
    isAttribute: true,
    run: (frame) => {
      const value = from.run(frame);
      frame.meter.spend(cost);
      const found = value instanceof Optional
        ? new Optional(
          value.value === undefined ? undefined : fieldOf(value.value, name),
        )
        : fieldOf(value, name);
      if (found === undefined) throw new CelError(`no such key: ${name}`);
      return found;
    },
  };
}

/** `has(a.b)`. */
export function presence(from: Step, name: string): Step {
  fieldType(from.type, name);
  return {
    type: { name: "bool", of: [] },
    run: (frame) => {
      const value = from.run(frame);
      const inner = value instanceof Optional ? value.value : value;
      if (inner === undefined) return false;
      return fieldOf(inner, name) !== undefined;
    },
  };
}
