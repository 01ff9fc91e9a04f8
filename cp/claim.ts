import type { AgentRecord, Fence, Store } from "./store/store.ts";

/**
 * Takes an agent away from whatever session it has, wherever that is: the store
 * refuses what that writes from now on, and releases nothing to it. The agent
 * stays as it was, so that whoever stops half way has changed nothing else.
 *
 * @param known The agent.
 * @param options Where it is kept.
 * @returns The fence to write with, as long as nobody else claims it.
 * @throws {TransporterError} `store_unavailable`.
 */
export async function claim(
  known: AgentRecord,
  { store }: { readonly store: Pick<Store, "openSession"> },
): Promise<Fence> {
  const { tenant, id, registration, instance, epoch, seenAt } = known;
  const { linkVersion, executors } = known;
  const link = {
    versions: [linkVersion],
    features: [],
    instance,
    window: 1,
    max_frame: 0,
    clock: "",
    executors,
  };
  const { gen } = await store.openSession(tenant, {
    registration: linkVersion === 1 ? registration : { ...registration, link },
    linkVersion,
    executors,
    newEpoch: epoch,
    at: seenAt,
  });
  return { agent: id, gen };
}
