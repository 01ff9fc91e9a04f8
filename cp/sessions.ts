import {
  type Carrier,
  type Ids,
  type Link,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import { agentKey } from "./agent_key.ts";
import { claim } from "./claim.ts";
import { type Guest, Strangers } from "./guests.ts";
import type { Hello } from "./hello.ts";
import { LiveSessions } from "./live_sessions.ts";
import { Rounds } from "./rounds.ts";
import { LogQuota } from "./log_quota.ts";
import { Session, type SessionPorts } from "./session.ts";
import type { AgentRecord } from "./store/store.ts";
import { comeBackMs, sendAway, spreadMsOf, Turnstile } from "./turnstile.ts";

/** Milliseconds between two looks whether agents are still there. */
const LOOK_MS = 5000;

/** How far the clocks of replicas may be apart, in milliseconds. */
const CLOCKS_MS_MAX = 10_000;

/** Options of {@linkcode Sessions}. */
export interface SessionsOptions extends SessionPorts {
  /** Where the ids of sessions and streams come from. */
  readonly ids: Ids;
}

/** What is known about a wire before its first frame. */
export interface ServeOptions {
  /** Whose agents may come over it. */
  readonly tenant: string;
  /** Where it comes from, for the log. */
  readonly remote: string;
  /** What carries its frames. */
  readonly carrier: Carrier;
}

/** The agents that are connected now: at most one session of each is current. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** The current sessions. */
  readonly live: LiveSessions = new LiveSessions();
  /** The end of the last handshake of each agent: they are taken in turn. */
  readonly #turns = new Map<string, Promise<void>>();
  /** The generation that this process gave each agent last, once the memories fit: a store that has it was not restored since. */
  #gens = new Map<string, number>();
  /** The time of day since which this process sees the store go on. */
  #since: number;
  /** Everything that `serve` works on, and how to end it. */
  readonly #serving = new Map<Guest, Promise<void>>();
  readonly #turnstile: Turnstile;
  readonly #strangers: Strangers;
  readonly #rounds: Rounds<Session>;
  readonly #logQuota: LogQuota;
  #closed: string | undefined;

  /** Makes a set without sessions. */
  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#turnstile = new Turnstile(options.clock);
    this.#since = options.clock.now();
    const { clock, config } = options;
    this.#strangers = new Strangers(clock);
    this.#logQuota = new LogQuota(clock);
    this.#rounds = new Rounds({
      clock,
      everyMs: Math.min(LOOK_MS, config.idleMs),
      look: (session) => session.look(),
    });
  }

  /** An agent has a session elsewhere: an older one that is here ends. */
  replaced(tenant: string, agentId: string, gen: number): void {
    const session = this.live.get(tenant, agentId);
    if (session === undefined || session.seat.gen >= gen) return;
    session.close(supersededBy(agentId));
  }

  /** The store is older than it was: what this process knows of it is not true any more. */
  forget(): void {
    this.#gens = new Map();
    this.#since = this.#options.clock.now();
  }

  /** Ends every session: the agents are to come back, here or elsewhere. */
  disperse(reason: string): void {
    for (const session of this.live.all()) session.close(closing(reason));
  }

  /**
   * Talks to whoever is at the far end of a wire, until it closes.
   *
   * @param wire Nobody else may use it.
   * @param options Where it comes from.
   * @returns Resolves when the session is over and all it began to write is written; never rejects.
   */
  serve(wire: Wire, options: ServeOptions): Promise<void> {
    if (this.#closed !== undefined) return wire.close(closing(this.#closed));
    const since = this.#options.clock.monotonic();
    const guest: Guest = { wire, since, gone: false };
    const served = this.#serve(guest, options);
    this.#serving.set(guest, served);
    return served;
  }

  /**
   * Ends the session of an agent, if it has one, and does something before the
   * next one can begin.
   *
   * @param tenant Whose agent it is.
   * @param agentId The agent.
   * @param reason What the agent is told.
   * @param work What is done; nothing is sent to the agent, or taken from it, meanwhile.
   */
  async remove(
    tenant: string,
    agentId: string,
    reason: TransporterError,
    work: () => Promise<void>,
  ): Promise<void> {
    await this.#inTurn(agentKey(tenant, agentId), async () => {
      await this.#end(tenant, agentId, reason);
      await work();
    });
  }

  async #end(
    tenant: string,
    agentId: string,
    reason: TransporterError,
  ): Promise<void> {
    const session = this.live.get(tenant, agentId);
    await session?.close(reason);
    await session?.done;
  }

  /**
   * Ends all sessions, and every one that would begin later. Idempotent.
   *
   * @param reason For agents, such as `restart`.
   * @returns Resolves when all that they began to write is written.
   */
  async close(reason: string): Promise<void> {
    this.#closed ??= reason;
    for (const { session, link, wire } of this.#serving.keys()) {
      if (session === undefined) (link ?? wire).close(closing(reason));
      else session.drain(reason);
    }
    await Promise.all(this.#serving.values());
  }

  async #serve(guest: Guest, options: ServeOptions): Promise<void> {
    const { tenant, remote, carrier } = options;
    try {
      const hello = await this.#strangers.hello(guest);
      if (hello === undefined) return;
      const { link } = hello;
      const { id } = hello.registration;
      await this.#pass(link, hello);
      const session = await this.#inTurn(
        agentKey(tenant, id),
        () => this.#open(link, { ...hello, tenant, carrier, guest }),
      );
      guest.session = session;
      if (this.#closed !== undefined) session.drain(this.#closed);
      await session.run();
      this.live.leave(session);
    } catch (reason) {
      const error = TransporterError.from(reason);
      const log = this.#options.log.with({ tenant, remote });
      // Thousands of lines would not say more than one.
      const level = comeBackMs(error) === undefined ? "warn" : "debug";
      log[level]("Agent is turned away", { error });
      await (guest.link ?? guest.wire).close(
        error.class === "unavailable" || error.code === "internal" ||
          error.code === "superseded" // by another registration, elsewhere
          ? closing("cannot register agents now")
          : error,
      );
    } finally {
      this.#serving.delete(guest);
    }
  }

  /** Turns an agent away while too many register, and tells it when to come back. */
  async #pass(link: Link, { registration }: Hello): Promise<void> {
    try {
      this.#turnstile.pass(this.#serving.size - this.live.size);
    } catch (reason) {
      await sendAway(link, registration, TransporterError.from(reason));
      throw reason;
    }
  }

  /** One handshake of an agent after the other; those of other agents do not wait. */
  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    const over = turn.then(() => {}, () => {});
    this.#turns.set(key, over);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === over) this.#turns.delete(key);
    }
  }

  /** Makes this link the agent's current session, and ends the one before. */
  async #open(
    link: Link,
    { tenant, carrier, registration, version, guest }: Hello & {
      readonly tenant: string;
      readonly carrier: Carrier;
      readonly guest: Guest;
    },
  ): Promise<Session> {
    const { store, recorder, ids, clock, shared } = this.#options;
    const { id } = registration;
    if (guest.gone) throw closing("the agent has left");
    const gens = this.#gens; // not those after the store was found to be older
    const known = await store.getAgent(tenant, id);
    // Elsewhere it may have a session meanwhile, which this one must not replace.
    if (shared && guest.gone) throw closing("the agent has left");
    const instance = version === 1 ? "" : registration.link?.instance ?? "";
    if (known !== undefined && known.instance !== instance) {
      // Before the store learns of the new journal: should we stop in between, the next
      // registration finds the same loss again. Nothing is released meanwhile, as the
      // agent has no session, or none that the store listens to.
      await this.#end(tenant, id, supersededBy(id));
      const message = "Agent came back without its journal";
      const fence = shared ? await claim(known, this.#options) : undefined;
      await recorder.interrupted(tenant, id, { message, fence });
    }
    const agent = await store.openSession(tenant, {
      registration,
      linkVersion: version,
      executors: version === 2 ? registration.link?.executors ?? [] : [],
      newEpoch: `e_${ids.next()}`,
      at: clock.now(),
    });
    const unbroken = known !== undefined && this.#saw(known);
    const fits = () => void gens.set(agentKey(tenant, id), agent.gen);
    if (unbroken) fits();
    const session = new Session({
      ...this.#options,
      tenant,
      carrier,
      registration,
      agent,
      unbroken,
      fits,
      newEpoch: `e_${ids.next()}`,
      session: `s_${ids.next()}`,
      link,
      rounds: this.#rounds,
      logQuota: this.#logQuota,
      spreadMs: () => spreadMsOf(this.live.size),
    });
    // The store refuses what the older one still writes; closing it is a courtesy nobody waits for.
    this.live.put(session)?.close(supersededBy(id));
    return session;
  }

  /** Whether the store cannot have gone back in time since it had all that an agent remembers: nobody stopped for that. */
  #saw({ tenant, id, gen, toldAt = 0 }: AgentRecord): boolean {
    if (this.#gens.get(agentKey(tenant, id)) === gen) return true;
    // Another replica had the session while this one was there, too.
    return this.#options.shared && toldAt > this.#since + CLOCKS_MS_MAX;
  }
}

function closing(reason: string): TransporterError {
  return new TransporterError("unavailable", `Control plane closes: ${reason}`);
}

function supersededBy(agentId: string): TransporterError {
  return new TransporterError(
    "superseded",
    `Cannot keep the session of agent "${agentId}" as a newer one replaced it`,
  );
}
