import { TransporterError } from "./error.ts";
import { isRecord } from "./json.ts";

/**
 * Says what is missing of a plugin to whoever has no type checks.
 *
 * @throws {TransporterError} `usage`.
 */
export function checkDefinition(
  { type, payload, apply }: {
    readonly type: string;
    readonly payload: unknown;
    readonly apply: unknown;
  },
): void {
  const why = typeof apply !== "function"
    ? '"apply" must be a function'
    : !isRecord(payload) && typeof payload !== "function" ||
        !("~standard" in payload)
    ? '"payload" must be a Standard Schema, such as Valibot\'s'
    : undefined;
  if (why === undefined) return;
  throw new TransporterError(
    "usage",
    `Cannot open the plugin for events of type "${type}": ${why}`,
  );
}
