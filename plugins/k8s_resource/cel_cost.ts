import { isRecord } from "@transporter/sdk";
import type { ASTNode } from "@marcbachmann/cel-js";

/** Functions that look at every item of a list. */
const LOOPS: ReadonlySet<unknown> = new Set([
  "all",
  "exists",
  "exists_one",
  "filter",
]);

/** Functions whose work does not depend on what they are given. */
const SHORT: ReadonlySet<unknown> = new Set([
  ...["has", "type", "bool", "double", "int", "uint", "timestamp", "duration"],
  ...["getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"],
  ...["getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth"],
  ...["getSeconds", "hasValue", "none", "of", "or", "orValue", "value"],
]);

/** Functions whose work grows with what they are given, and not faster. */
const LONG: ReadonlySet<unknown> = new Set([
  ...["contains", "endsWith", "startsWith", "lowerAscii", "upperAscii", "trim"],
  ...["indexOf", "lastIndexOf", "substring", "size", "string"],
]);

/** Operators whose work grows with both of their sides. */
const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "in", "+"]);

/** Loops within each other. */
const DEPTH_MAX = 2;

/** What a step takes, beside a character that is looked at. */
const STEP = 100;

/** How large an object is. */
export interface Size {
  /** Items of its longest list or map. */
  readonly widest: number;
  /** Characters of its names and values. */
  readonly chars: number;
}

/** Steps of an expression that are in so many loops: those that do not depend on sizes, and those that do. */
interface Steps {
  short: number;
  long: number;
}

function isNode(value: unknown): value is ASTNode {
  return isRecord(value) && typeof value.op === "string";
}

function isLiteral(value: unknown): boolean {
  if (!isNode(value)) return false;
  return value.op === "value" ||
    (value.op === "-_" && isLiteral(value.args)) ||
    (value.op === "list" && value.args.every(isLiteral));
}

/**
 * How much work an expression can be, before it is run: the interpreter itself
 * counts nothing. Kubernetes bounds its expressions in the same way.
 *
 * @see {@link https://kubernetes.io/docs/reference/using-api/cel/#cost-budget}
 */
export class Cost {
  /** By the number of loops around them. */
  readonly #steps: Steps[] = [];
  /** Sums, any of which may make a list of two. */
  #sums = 0;
  readonly #refuse: (reason: string) => Error;

  /**
   * Looks at an expression.
   *
   * @param refuse Makes what is thrown when it uses a function that may take for ever, or has too many loops within each other.
   */
  constructor(ast: ASTNode, refuse: (reason: string) => Error) {
    this.#refuse = refuse;
    this.#add(ast, 0);
  }

  /** How many characters are looked at for an object of this size, at most. */
  for({ widest, chars }: Size): number {
    const width = widest * (1 + this.#sums);
    return this.#steps.reduce(
      (sum, { short, long }, depth) =>
        sum + width ** depth * (short * STEP + long * (STEP + chars)),
      0,
    );
  }

  #add(node: unknown, depth: number): void {
    if (Array.isArray(node)) {
      for (const each of node) this.#add(each, depth);
    }
    if (!isNode(node)) return;
    if (node.op === "rcall" && LOOPS.has(node.args[0])) {
      const [, list, [, ...body]] = node.args;
      this.#count(depth, false);
      this.#add(list, depth);
      this.#add(body, depth + 1);
      return;
    }
    this.#count(depth, this.#isLong(node));
    if (node.op === "+") this.#sums++;
    this.#add(node.args, depth);
  }

  #count(depth: number, isLong: boolean): void {
    if (depth > DEPTH_MAX) {
      throw this.#refuse(
        `more than ${DEPTH_MAX} functions over lists are within each other`,
      );
    }
    const steps = this.#steps[depth] ??= { short: 0, long: 0 };
    if (isLong) steps.long++;
    else steps.short++;
  }

  /** Whether the work of a node grows with the object; what is compared with a literal is as short as that. */
  #isLong(node: ASTNode): boolean {
    if (node.op === "call" || node.op === "rcall") {
      const [name] = node.args;
      if (SHORT.has(name)) return false;
      if (LONG.has(name)) return true;
      throw this.#refuse(
        `the function "${name}" is not among those it may use`,
      );
    }
    if (!COMPARISONS.has(node.op) || !Array.isArray(node.args)) return false;
    return !node.args.some(isLiteral);
  }
}
