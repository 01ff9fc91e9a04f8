import { TransporterError } from "@transporter/sdk";
import { refuse } from "./options.ts";
import { safe } from "./text.ts";

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // what is no JSON is text
  }
}

/**
 * Collects options of a payload, `NAME=VALUE`. A value is JSON, else text; the
 * check of the payload decides about both.
 *
 * @throws {TransporterError} `usage`.
 */
export function payloadOptions(
  value: string,
  previous: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const at = value.indexOf("=");
  if (at < 1) refuse("--set", value, 'like "field_manager=ci"');
  const name = value.slice(0, at);
  if (Object.hasOwn(previous, name)) {
    throw new TransporterError(
      "usage",
      `Cannot use --set "${safe(name)}" twice: a payload has one value for it`,
    );
  }
  return { ...previous, [name]: jsonOr(value.slice(at + 1)) };
}

/**
 * Reads a patch; what may stand in it the check of the payload decides.
 *
 * @throws {TransporterError} `usage` when it is no JSON.
 */
export function patchOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return refuse("--patch", value, 'JSON, like \'{"spec": {"replicas": 3}}\'');
  }
}
