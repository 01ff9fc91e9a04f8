import { isRecord, TransporterError } from "@transporter/sdk";
import {
  CelError,
  compile,
  CompileError,
  CostError,
  DYN,
  type Program,
} from "../cel/mod.ts";
import {
  fails,
  type Fields,
  isReady,
  type Readiness,
  waits,
} from "./ready_parts.ts";

/** Says of an object, as the API server gives it, whether it is ready. */
export type Condition = (object: Fields) => Readiness;

/** Characters of a condition in a report. */
const CHARS_MAX = 200;

/** What people mean by an object: how its fields are owned is nothing to wait for. */
function selfOf(object: Fields): Fields {
  const { metadata, ...rest } = object;
  const { managedFields: _, ...kept } = isRecord(metadata) ? metadata : {};
  return { ...rest, metadata: kept };
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

function compiled(text: string): Program {
  try {
    return compile(text, { self: DYN });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw refused(text, error.message, error);
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
  const program = compiled(text);
  const { name } = program.type;
  if (name !== "bool" && name !== "dyn") {
    throw refused(text, `it is of the type ${name}, and bool is needed`);
  }
  const short = text.length <= CHARS_MAX
    ? text
    : `${text.slice(0, CHARS_MAX)}…`;
  return (object) => {
    let value: unknown;
    try {
      value = program.run([selfOf(object)]);
    } catch (error) {
      if (error instanceof CostError) {
        return fails(`it is too large to be judged by "${short}"`);
      }
      if (!(error instanceof CelError)) throw error;
      return waits(`"${short}" cannot be told yet: ${error.message}`);
    }
    if (value === true) return isReady();
    return waits(
      `"${short}" is ${value === false ? "" : "neither true nor "}false`,
    );
  };
}
