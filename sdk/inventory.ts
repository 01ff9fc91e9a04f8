import type { InventoryDigest, InventoryItem } from "./frame.ts";
import { sha256 } from "./sha256.ts";

/**
 * Says in one line which attempts are open between an agent and its control
 * plane, so that a registration shows whether both remember the same.
 *
 * An attempt is open from its arrival at the agent until the agent knows that
 * its last status is durable at the control plane. For the control plane these
 * are the attempts that it has released and whose end it does not have. Both
 * are the same when nothing was on its way when the last link ended; if they
 * differ, an inventory tells why.
 *
 * @param open The open attempts, in any order; each event once.
 * @returns Their number, and the SHA-256 of one line `ID ATTEMPT\n` for each, by ascending id.
 *
 * @example Usage
 * ```ts
 * import { inventoryDigest } from "@transporter/sdk";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const [a, b] = [{ event_id: "a", attempt: 2 }, { event_id: "b", attempt: 1 }];
 * deepStrictEqual(inventoryDigest([a, b]), inventoryDigest([b, a]));
 * ```
 */
export function inventoryDigest(
  open: Iterable<Pick<InventoryItem, "event_id" | "attempt">>,
): InventoryDigest {
  const lines = Array.from(
    open,
    ({ event_id: id, attempt }) => `${id} ${attempt}\n`,
  ).sort();
  return { count: lines.length, sha256: `sha256:${sha256(lines.join(""))}` };
}
