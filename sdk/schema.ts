import { TransporterError } from "./error.ts";

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** What is wrong, for people. */
  readonly message: string;
  /** Where: object keys and array indexes, outermost first. */
  readonly path?:
    | ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>
    | undefined;
}

/** The value that a schema accepted, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * The shape of a value: Standard Schema, version 1, restated so that the SDK
 * depends on no validator. Valibot schemas fit unchanged.
 *
 * @see {@link https://standardschema.dev}
 * @typeParam Output What the schema accepts.
 */
export interface Schema<Output> {
  /** The part that the standard describes. */
  readonly "~standard": {
    /** The version of the standard. */
    readonly version: 1;
    /** The library that made the schema. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

function where(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map((part) =>
    String(typeof part === "object" ? part.key : part)
  ).join(".");
  return path === "" ? issue.message : `"${path}": ${issue.message}`;
}

/**
 * Checks a value against a schema.
 *
 * @param schema The shape.
 * @param value What to check.
 * @returns The validated value.
 * @throws {TransporterError} `invalid`, naming every issue with its path.
 */
export async function parse<Output>(
  schema: Schema<Output>,
  value: unknown,
): Promise<Output> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(where);
  throw new TransporterError(
    "invalid",
    `Cannot accept the payload: ${issues.join("; ")}`,
    {
      details: { issues },
    },
  );
}
