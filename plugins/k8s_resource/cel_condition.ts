import { isRecord, TransporterError } from "@transporter/sdk";
import {
  Environment,
  EvaluationError,
  ParseError,
  type ParseResult,
  TypeError as CheckError,
} from "@marcbachmann/cel-js";
import { Cost } from "./cel_cost.ts";
import {
  fails,
  type Fields,
  isReady,
  type Readiness,
  waits,
} from "./ready_parts.ts";

/** Says of an object, as the API server gives it, whether it is ready. */
export type Condition = (object: Fields) => Readiness;

/** Bounds of an expression: far more than a person reads. */
const LIMITS = { maxAstNodes: 300, maxDepth: 30 } as const;

/** Characters that are looked at for one judgement: about a second, at the worst. */
const COST_MAX = 200_000_000;

/** Characters of a condition in a report. */
const CHARS_MAX = 200;

const environment = new Environment({
  unlistedVariablesAreDyn: false,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: LIMITS,
}).registerVariable("self", "dyn");

/** What people mean by an object: how its fields are owned is nothing to wait for. */
function selfOf(object: Fields): Fields {
  const { metadata, ...rest } = object;
  const { managedFields: _, ...kept } = isRecord(metadata) ? metadata : {};
  return { ...rest, metadata: kept };
}

/** An object being measured. */
interface Measured {
  widest: number;
  chars: number;
}

/** Copies JSON with its integers as CEL has them, and measures it. */
function valuesOf(value: unknown, size: Measured): unknown {
  size.chars += typeof value === "string" ? value.length : 1;
  if (typeof value === "number" && Number.isInteger(value)) {
    return BigInt(value);
  }
  if (Array.isArray(value)) {
    size.widest = Math.max(size.widest, value.length);
    return value.map((each) => valuesOf(each, size));
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  size.widest = Math.max(size.widest, entries.length);
  return Object.fromEntries(entries.map(([key, each]) => {
    size.chars += key.length;
    return [key, valuesOf(each, size)];
  }));
}

/** What an error of CEL says; every other one is thrown on. */
function reasonOf(error: unknown): string {
  const known = error instanceof ParseError || error instanceof CheckError ||
    error instanceof EvaluationError;
  if (!known) throw error;
  return error.summary;
}

function refused(
  text: string,
  reason: string,
  cause?: unknown,
): TransporterError {
  return new TransporterError(
    "invalid",
    `Cannot accept the condition "${text}": ${reason}`,
    { cause },
  );
}

function parsed(text: string): ParseResult {
  try {
    return environment.parse(text);
  } catch (error) {
    throw refused(text, reasonOf(error), error);
  }
}

/**
 * Reads a condition in CEL over `self`, the object.
 *
 * @param text The expression.
 * @throws {TransporterError} `invalid` when it cannot be read, uses what is not there, or says neither true nor false.
 * @see {@link https://github.com/google/cel-spec/blob/master/doc/langdef.md}
 */
export function readCondition(text: string): Condition {
  const program = parsed(text);
  const cost = new Cost(program.ast, (reason) => refused(text, reason));
  const { type = "dyn", error } = program.check();
  if (error !== undefined) throw refused(text, reasonOf(error), error);
  if (type !== "bool" && type !== "dyn") {
    throw refused(text, `it is of the type ${type}, and bool is needed`);
  }
  const short = text.length <= CHARS_MAX
    ? text
    : `${text.slice(0, CHARS_MAX)}…`;
  return (object) => {
    const size = { widest: 0, chars: 0 };
    const self = valuesOf(selfOf(object), size);
    if (cost.for(size) > COST_MAX) {
      return fails(`it is too large to be judged by "${short}"`);
    }
    let value: unknown;
    try {
      value = program({ self });
    } catch (error) {
      return waits(`"${short}" cannot be told yet: ${reasonOf(error)}`);
    }
    if (value === true) return isReady();
    return waits(
      `"${short}" is ${value === false ? "" : "neither true nor "}false`,
    );
  };
}
