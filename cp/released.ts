import { checkGeneration } from "./store/record.ts";
import type { ReleasedEvent, Store } from "./store/store.ts";

/** A session that wants to know what was released. */
export interface ReleasedTo {
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** The session's generation. */
  readonly gen: number;
}

/**
 * Reads what was released to an agent, for a session that sends it. A newer one
 * may have begun at another replica: what was released to that is not to be sent
 * by an older one, whose agent may be another process, or one that is dead.
 *
 * @param store Where it is read.
 * @param session For whom.
 * @returns As {@linkcode Store.listReleased} says; all of it was released to this session, or before it.
 * @throws {TransporterError} `superseded` when a newer session is known, `store_unavailable`.
 */
export async function releasedTo(
  store: Pick<Store, "listReleased" | "getAgent">,
  { tenant, agent, gen }: ReleasedTo,
): Promise<readonly ReleasedEvent[]> {
  const released = await store.listReleased(tenant, agent);
  // In this order: while this session is the newest, nothing is released to another one.
  checkGeneration(await store.getAgent(tenant, agent), gen);
  return released;
}
