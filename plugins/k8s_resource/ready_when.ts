import { TransporterError } from "@transporter/sdk";
import type { Condition } from "./cel_condition.ts";
import type { Manifest } from "./manifest.ts";
import type { GivenOptions } from "./options.ts";

/** When objects of a kind are ready, in place of the rule that it has. */
export type Conditions = ReadonlyMap<string, Condition>;

/** What tells kinds apart, as a manifest writes it. */
type Kind = Pick<Manifest, "apiVersion" | "kind">;

/** A kind, as {@linkcode Conditions} have it. */
export function kindKey({ apiVersion, kind }: Kind): string {
  return `${apiVersion} ${kind}`;
}

/**
 * Reads the conditions of a payload. What reads CEL is loaded only where there
 * are any.
 *
 * @param given The payload's `ready_when`.
 * @param objects The objects of its manifests.
 * @throws {TransporterError} `invalid`: one cannot be read, or is for no object, or there are two for a kind.
 */
export async function conditionsFor(
  given: GivenOptions["ready_when"],
  objects: readonly Kind[],
): Promise<Conditions> {
  const conditions = new Map<string, Condition>();
  if (given === undefined) return conditions;
  const { readCondition } = await import("./cel_condition.ts");
  const kinds = new Set(objects.map(kindKey));
  for (const { api_version: apiVersion, kind, when } of given) {
    const key = kindKey({ apiVersion, kind });
    const refuse = (why: string) =>
      new TransporterError(
        "invalid",
        `Cannot accept "ready_when" for "${kind}" in "${apiVersion}": ${why}`,
      );
    if (conditions.has(key)) throw refuse("it is there twice");
    if (!kinds.has(key)) throw refuse("no manifest has an object of it");
    conditions.set(key, readCondition(when));
  }
  return conditions;
}
