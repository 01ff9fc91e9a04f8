import type { AgentFigures, Carrier } from "@transporter/sdk";
import type { LiveSessions } from "../live_sessions.ts";
import type { Peers } from "./port.ts";

/** What is known of an agent that is connected. */
export interface Whereabouts {
  /** The name of the replica that it is connected to; absent where there is one only. */
  readonly replica?: string;
  /** What carries its frames. */
  readonly carrier?: Carrier;
  /** What it said of itself last. */
  readonly figures?: AgentFigures;
}

/**
 * Finds out which agents of a tenant are connected, here or elsewhere.
 *
 * @throws {TransporterError} `store_unavailable`.
 */
export type Connected = (
  tenant: string,
) => Promise<ReadonlyMap<string, Whereabouts>>;

/** Who is connected, where this control plane is the only one. */
export function connectedHere(live: LiveSessions): Connected {
  return (tenant) => {
    const found = new Map<string, Whereabouts>();
    for (const { seat } of live.all()) {
      if (seat.tenant === tenant) found.set(seat.agent, known(seat));
    }
    return Promise.resolve(found);
  };
}

/** Who is connected, where there may be others: what is true here counts for those that are here. */
export function connectedAnywhere(
  live: LiveSessions,
  peers: Pick<Peers, "self" | "seats">,
): Connected {
  return async (tenant) => {
    const found = new Map<string, Whereabouts>();
    const { self } = peers;
    const seats = await peers.seats(tenant);
    for (const [agent, seat] of seats) {
      if (seat.replica.id === self.id) continue;
      found.set(agent, { replica: seat.replica.name, ...known(seat) });
    }
    for (const { seat } of live.all()) {
      const elsewhere = seats.get(seat.agent)?.gen ?? 0;
      if (seat.tenant !== tenant || elsewhere > seat.gen) continue;
      found.set(seat.agent, { replica: self.name, ...known(seat) });
    }
    return found;
  };
}

function known(
  { carrier, figures }: Pick<Whereabouts, "carrier" | "figures">,
): Pick<Whereabouts, "carrier" | "figures"> {
  return {
    ...(carrier === undefined ? {} : { carrier }),
    ...(figures === undefined ? {} : { figures }),
  };
}
