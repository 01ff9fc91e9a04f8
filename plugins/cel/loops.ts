import { compare } from "./equal.ts";
import { selfCompared } from "./lib_list.ts";
import { CompileError } from "./node.ts";
import type { Frame, Step } from "./scope.ts";
import { DYN, fits, listOf, mapOf, show, type Type, type } from "./type.ts";
import {
  adapt,
  CelError,
  goKind,
  keysOf,
  kindOf,
  lookUp,
  noOverload,
  sizeOf,
} from "./value.ts";

const BOOL = type("bool");

/** One pass of a loop: what its variables are. */
type Pass = (frame: Frame, first: unknown, second: unknown) => unknown;

/** What a loop goes over: the keys of a map, the places of a list. */
function* passes(
  value: unknown,
  isPair: boolean,
): Generator<readonly [unknown, unknown]> {
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      yield [BigInt(at), adapt(value[at])];
    }
    return;
  }
  if (kindOf(value) !== "map") {
    throw new CelError(
      isPair
        ? `unsupported comprehension range type: ${goKind(value)}`
        : `got '${goKind(value)}', expected iterable type`,
    );
  }
  for (const key of keysOf(value)) {
    yield [key, isPair ? lookUp(value, key) : undefined];
  }
}

/** A loop of a macro: what it goes over, and what it asks of each. */
export interface Loop {
  readonly range: Step;
  readonly isPair: boolean;
  /** Expressions after the variables. */
  readonly bodies: readonly Step[];
  readonly first: number;
  readonly second: number;
}

export function mustBeBool({ type: of }: Step): void {
  if (!fits(of, BOOL)) {
    throw new CompileError(`expected type 'bool' but found '${show(of)}'`);
  }
}

/** Runs a loop; `visit` says whether it goes on. */
function each(
  { range, isPair, first, second }: Loop,
  frame: Frame,
  visit: (frame: Frame, first: unknown, second: unknown) => boolean,
): void {
  const { values, meter } = frame;
  const over = range.run(frame);
  if (Array.isArray(over) && !isPair) {
    for (let at = 0; at < over.length; at++) {
      meter.labour(1);
      const item = adapt(over[at]);
      values[first] = item;
      if (!visit(frame, item, undefined)) return;
    }
    return;
  }
  if (!Array.isArray(over)) meter.labour(sizeOf(over));
  for (const [a, b] of passes(over, isPair)) {
    meter.labour(1);
    values[first] = a;
    if (isPair) values[second] = b;
    if (!visit(frame, a, b)) return;
  }
}

/** `all` and `exists`: the value that decides ends the loop, errors count only when none does. */
export function quantifier(loop: Loop, decides: boolean): Step {
  const [body] = loop.bodies;
  mustBeBool(body!);
  const goOn = decides ? 3 : 2;
  return {
    type: BOOL,
    run: (frame) => {
      let failure: CelError | undefined;
      let isDecided = false;
      each(loop, frame, ({ meter }) => {
        meter.spend(goOn);
        if (isDecided) return false;
        meter.spend(1);
        try {
          const value = body!.run(frame);
          if (value === decides) isDecided = true;
          else if (typeof value !== "boolean") failure ??= noOverload();
        } catch (error) {
          if (!(error instanceof CelError)) throw error;
          failure ??= error;
        }
        return true;
      });
      frame.meter.spend(1);
      if (isDecided) return decides;
      if (failure !== undefined) throw failure;
      return !decides;
    },
  };
}

export function exactlyOne(loop: Loop): Step {
  const [body] = loop.bodies;
  mustBeBool(body!);
  return {
    type: BOOL,
    run: (frame) => {
      let count = 0;
      each(loop, frame, ({ meter }) => {
        const value = body!.run(frame);
        if (typeof value !== "boolean") throw noOverload();
        if (value) {
          count++;
          meter.spend(2);
        }
        return true;
      });
      frame.meter.spend(2);
      return count === 1;
    },
  };
}

/** Whether a pass counts; with only one expression every one does. */
function passed(test: Step | undefined, frame: Frame): boolean {
  if (test === undefined) return true;
  const value = test.run(frame);
  if (typeof value !== "boolean") throw noOverload();
  return value;
}

/** Adds to a list what each pass makes. */
export function gather(
  loop: Loop,
  test: Step | undefined,
  of: Type,
  make: Pass,
  more = 0,
): Step {
  if (test !== undefined) mustBeBool(test);
  return {
    type: listOf(of),
    run: (frame) => {
      const made: unknown[] = [];
      each(loop, frame, ({ meter }, first, second) => {
        if (!passed(test, frame)) return true;
        meter.spend(12 + more);
        made.push(make(frame, first, second));
        return true;
      });
      frame.meter.spend(1);
      return made;
    },
  };
}

export function toMap(
  loop: Loop,
  test: Step | undefined,
  body: Step,
  isEntry: boolean,
): Step {
  if (test !== undefined) mustBeBool(test);
  return {
    type: isEntry ? body.type : mapOf(DYN, body.type),
    run: (frame) => {
      const made = new Map<unknown, unknown>();
      each(loop, frame, ({ meter, values }) => {
        if (!passed(test, frame)) return true;
        meter.spend(isEntry ? 2 : 3);
        const value = body.run(frame);
        const pairs: readonly (readonly [unknown, unknown])[] = isEntry
          ? keysOf(value).map((key) => [key, lookUp(value, key)] as const)
          : [[values[loop.first], value]];
        for (const [key, item] of pairs) {
          if (made.has(key)) {
            throw new CelError(`insert failed: key ${key} already exists`);
          }
          made.set(key, item);
        }
        return true;
      });
      frame.meter.spend(1);
      return made;
    },
  };
}

export function sortBy(loop: Loop): Step {
  const [body] = loop.bodies;
  const isKnown = body!.type.name !== "dyn";
  return {
    type: loop.range.type,
    run: (frame) => {
      const pairs: (readonly [unknown, unknown])[] = [];
      each(loop, frame, ({ meter }, item) => {
        meter.spend(12);
        pairs.push([body!.run(frame), item]);
        return true;
      });
      const keys = pairs.map(([key]) => key);
      frame.meter.spend(3 + (isKnown ? selfCompared(keys) : 1));
      frame.meter.labour(selfCompared(keys) / 10);
      return pairs.sort(([a], [b]) => compare(a, b)).map(([, item]) => item);
    },
  };
}
