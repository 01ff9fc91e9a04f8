import type { ObjectName } from "./manifest.ts";

/** Whether it is a Secret, whose values must not be shown. */
export function isSecret(
  { group, kind }: Pick<ObjectName, "group" | "kind">,
): boolean {
  return group === "" && kind === "Secret";
}
