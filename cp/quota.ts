import { isTerminal, TransporterError } from "@transporter/sdk";
import type { Creation, EventRecord, Store } from "./store/store.ts";

/** How much may be open, which means accepted and not ended. */
export interface QuotaLimits {
  /** Events for one agent. */
  readonly agentEventsMax: number;
  /** Events of one tenant. */
  readonly tenantEventsMax: number;
  /** Bytes of bodies of one tenant. */
  readonly tenantBytesMax: number;
}

/** The limits unless told otherwise. */
export const QUOTA_LIMITS: QuotaLimits = {
  agentEventsMax: 10_000,
  tenantEventsMax: 100_000,
  tenantBytesMax: 256 * 1024 * 1024,
};

/** Events in doubt that are remembered; of more, some may be counted wrongly until the next start. */
const DOUBTFUL_MAX = 10_000;

interface Counts {
  events: number;
  bytes: number;
  agents: Map<string, number>;
}

interface Usage extends Counts {
  /** What changed since the store was asked, while it is. */
  read?: Counts | undefined;
  /** Ids of events of which nobody knows whether they were stored: they are not counted. */
  readonly doubtful: Set<string>;
}

/**
 * Counts open events, so that an agent that is away for long fills its queue
 * and not the disk: from the store's own count at the start, and exactly where
 * nobody else writes to the store. Where others do it is asked again every two
 * seconds: in between this replica does not know what they have accepted and
 * ended, and so may let in as much too much, or refuse as much too early.
 */
export class Quota {
  readonly #limits: QuotaLimits;
  readonly #tenants = new Map<string, Usage>();

  /** Makes a quota where nothing is open. */
  constructor(limits: QuotaLimits = QUOTA_LIMITS) {
    this.#limits = limits;
  }

  /**
   * Takes over what the store has open: before anything is accepted, and again
   * and again where others write to the same store. Of what is on its way to
   * the store meanwhile some may be missing until the next time.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  async load(store: Pick<Store, "countOpen">, tenant: string): Promise<void> {
    const usage = this.#usage(tenant);
    const read = usage.read = { events: 0, bytes: 0, agents: new Map() };
    const open = await store.countOpen(tenant);
    for (const [agent, { states, bytes }] of open) {
      const events = Object.values(states).reduce((sum, n) => sum + n, 0);
      count(read, agent, { events, bytes });
    }
    Object.assign(usage, read, { read: undefined });
  }

  /**
   * Refuses whatever is submitted while a tenant has as much open as it may.
   *
   * @throws {TransporterError} `queue_full`.
   */
  check(tenant: string): void {
    const { events } = this.#usage(tenant);
    const { tenantEventsMax } = this.#limits;
    if (events >= tenantEventsMax) {
      full(`"${events}" events are open`, tenantEventsMax);
    }
  }

  /**
   * Keeps room for an event about to be stored; dispose it when the event is
   * stored (and counted by {@linkcode add}) or was not stored after all.
   *
   * @throws {TransporterError} `queue_full`.
   */
  reserve(
    tenant: string,
    { agent, bytes }: { readonly agent: string; readonly bytes: number },
  ): Disposable {
    const usage = this.#usage(tenant);
    const { agentEventsMax, tenantBytesMax } = this.#limits;
    const ofAgent = usage.agents.get(agent) ?? 0;
    if (ofAgent >= agentEventsMax) {
      full(`agent "${agent}" has "${ofAgent}" open events`, agentEventsMax);
    }
    this.check(tenant);
    if (usage.bytes + bytes > tenantBytesMax) {
      full(`open events take "${usage.bytes}" bytes`, tenantBytesMax);
    }
    this.#change(usage, agent, { events: 1, bytes });
    let kept = true;
    return {
      [Symbol.dispose]: () => {
        if (kept) this.#change(usage, agent, { events: -1, bytes: -bytes });
        kept = false;
      },
    };
  }

  /**
   * Counts an event on its way to the store, once it is there. One of which
   * nobody knows whether it is there is not counted, until somebody finds it.
   *
   * @returns What the store said.
   */
  follow(
    tenant: string,
    id: string,
    creating: Promise<Creation>,
  ): Promise<Creation> {
    const { doubtful } = this.#usage(tenant);
    return creating.then((creation) => {
      const doubted = doubtful.delete(id);
      if (creation.created) this.add(creation.record);
      else if (doubted) this.#found(creation.record);
      return creation;
    }, (reason) => {
      if (TransporterError.from(reason).code === "store_unavailable") {
        doubtful.add(id);
        const [oldest = id] = doubtful;
        if (doubtful.size > DOUBTFUL_MAX) doubtful.delete(oldest);
      }
      throw reason;
    });
  }

  #found(record: EventRecord | undefined): void {
    if (record !== undefined && !isTerminal(record.state)) this.add(record);
  }

  /** Counts an event that was stored. */
  add(record: EventRecord): void {
    const usage = this.#usage(record.tenant);
    this.#change(usage, record.spec.target_agent, {
      events: 1,
      bytes: record.bytes,
    });
  }

  /** Forgets an event that ended; once for each. */
  remove(record: EventRecord): void {
    const usage = this.#usage(record.tenant);
    if (usage.doubtful.delete(record.spec.id)) return;
    this.#change(usage, record.spec.target_agent, {
      events: -1,
      bytes: -record.bytes,
    });
  }

  /** How many events of an agent are open. */
  openOf(tenant: string, agent: string): number {
    return this.#tenants.get(tenant)?.agents.get(agent) ?? 0;
  }

  #usage(tenant: string): Usage {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const usage: Usage = {
      events: 0,
      bytes: 0,
      agents: new Map(),
      doubtful: new Set(),
    };
    this.#tenants.set(tenant, usage);
    return usage;
  }

  #change(
    usage: Usage,
    agent: string,
    by: { readonly events: number; readonly bytes: number },
  ): void {
    count(usage, agent, by);
    if (usage.read !== undefined) count(usage.read, agent, by);
  }
}

function count(
  counts: Counts,
  agent: string,
  { events, bytes }: { readonly events: number; readonly bytes: number },
): void {
  counts.events += events;
  counts.bytes += bytes;
  const ofAgent = (counts.agents.get(agent) ?? 0) + events;
  // Less than none: what others have added is not known yet.
  if (ofAgent !== 0) counts.agents.set(agent, ofAgent);
  else counts.agents.delete(agent);
}

function full(found: string, max: number): never {
  throw new TransporterError(
    "queue_full",
    `Cannot accept the event as ${found}: at most ${max} may be, try again later`,
  );
}
