import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";

/** An expression as it was read. */
export type Node = ASTNode;

/** Bounds of an expression: more than anybody reads, less than anybody waits for. */
const LIMITS = { maxAstNodes: 5_000, maxDepth: 100 } as const;

/** Characters of an expression; that of the API server is no larger. */
const CHARS_MAX = 100_000;

/** An expression that cannot be accepted. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  limits: LIMITS,
});

/** Reads the text of an expression. */
export function read(text: string): Node {
  if (text.length > CHARS_MAX) {
    throw new CompileError(
      `the expression has ${text.length} characters, and at most ${CHARS_MAX} are read`,
    );
  }
  try {
    return environment.parse(text).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new CompileError(`syntax error: ${error.summary}`, { cause: error });
  }
}

/** The number of a literal such as `1u`; `undefined` for other literals. */
export function unsigned(value: unknown): bigint | undefined {
  const isOne = typeof value === "object" && value !== null &&
    !(value instanceof Uint8Array);
  return isOne ? BigInt(value.valueOf() as bigint) : undefined;
}
