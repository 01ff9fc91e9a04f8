import { TransporterError } from "@transporter/sdk";
import type { Condition } from "./cel_condition.ts";
import { isSecret } from "./is_secret.ts";
import type { Manifest } from "./manifest.ts";
import type { Mask } from "./mask.ts";
import type { GivenOptions } from "./options.ts";

/** When objects of a kind are ready, in place of the rule that it has. */
export type Conditions = ReadonlyMap<string, Condition>;

/** What tells kinds apart, as a manifest writes it. */
type Kind = Pick<Manifest, "apiVersion" | "kind">;

/** A kind, as {@linkcode Conditions} have it. */
export function kindKey({ apiVersion, kind }: Kind): string {
  return `${apiVersion} ${kind}`;
}

/** The condition over what may be shown: what it says of a Secret, and why it cannot say it, gets into reports. */
function discreet(
  condition: Condition,
  { apiVersion, kind }: Kind,
  mask: Mask | undefined,
): Condition {
  const name = { group: "", kind, namespace: "", name: "" };
  if (mask === undefined || apiVersion !== "v1" || !isSecret(name)) {
    return condition;
  }
  return (object) => condition(mask.object(name, object));
}

/**
 * Reads the conditions of a payload. What reads CEL is loaded only where there
 * are any.
 *
 * @param given The payload's `ready_when`.
 * @param objects The objects of its manifests.
 * @param mask Hides the values of Secrets from conditions; not needed where these are only checked.
 * @throws {TransporterError} `invalid`: one cannot be read, or is for no object, or there are two for a kind.
 */
export async function conditionsFor(
  given: GivenOptions["ready_when"],
  objects: readonly Kind[],
  mask?: Mask,
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
    const condition = readCondition(when);
    conditions.set(key, discreet(condition, { apiVersion, kind }, mask));
  }
  return conditions;
}
