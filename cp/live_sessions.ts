import type { Session } from "./session.ts";
import type { Seat } from "./peers/port.ts";

/** Hears that an agent has a session now, or has none any more. Must not throw. */
export type LiveListener = (seat: Seat, open: boolean) => void;

/** The current session of each agent that is connected here. */
export class LiveSessions {
  /** By tenant and agent. */
  readonly #sessions = new Map<string, Map<string, Session>>();
  readonly #listeners = new Set<LiveListener>();

  /** Adds somebody who hears who comes and goes. */
  listen(listener: LiveListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The session of an agent. */
  get(tenant: string, agent: string): Session | undefined {
    return this.#sessions.get(tenant)?.get(agent);
  }

  /** How many sessions of a tenant there are. */
  count(tenant: string): number {
    return this.#sessions.get(tenant)?.size ?? 0;
  }

  /** How many sessions there are. */
  get size(): number {
    let size = 0;
    for (const sessions of this.#sessions.values()) size += sessions.size;
    return size;
  }

  /** Every session. */
  *all(): Generator<Session> {
    for (const sessions of this.#sessions.values()) yield* sessions.values();
  }

  /** Makes a session its agent's current one; returns the one before. */
  put(session: Session): Session | undefined {
    const { tenant, agent } = session.seat;
    const sessions = this.#sessions.get(tenant) ?? new Map<string, Session>();
    const old = sessions.get(agent);
    this.#sessions.set(tenant, sessions.set(agent, session));
    this.#tell(session, true);
    return old;
  }

  /** Forgets a session that is over, unless it was replaced. */
  leave(session: Session): void {
    const { tenant, agent } = session.seat;
    const sessions = this.#sessions.get(tenant);
    if (sessions?.get(agent) !== session) return;
    sessions.delete(agent);
    this.#tell(session, false);
  }

  #tell(session: Session, open: boolean): void {
    for (const listener of this.#listeners) listener(session.seat, open);
  }
}
