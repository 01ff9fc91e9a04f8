import { nearest } from "@transporter/sdk";

/**
 * What is said of a key that a payload does not take.
 *
 * @param type The event type.
 * @param keys Those that it takes.
 */
export function unknownKey(
  key: string,
  { type, keys }: { readonly type: string; readonly keys: readonly string[] },
): string {
  const near = nearest(key, keys);
  const hint = near === undefined
    ? `"${type}" takes ${keys.map((each) => `"${each}"`).join(", ")}`
    : `the nearest is "${near}"`;
  return `unknown key; ${hint}`;
}
