import {
  type Clock,
  type Logger,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import { paced } from "../pace.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { Session } from "../session.ts";
import type { Sessions } from "../sessions.ts";
import type { Store } from "../store/store.ts";
import { ClockWatch } from "./clocks.ts";
import { ALIVE_MS, type Peers, type Seat } from "./port.ts";

/** Milliseconds between signs of life. */
const BEAT_MS = 1000;

/** In so many beats every session is looked at once. */
const ROUND = 10;

/** Sessions that are looked at at the same time. */
const LOOKS_MAX = 64;

/** Options of {@linkcode Roll}. */
export interface RollOptions {
  /** Whom to tell. */
  readonly peers: Pick<Peers, "self" | "beat" | "replicas">;
  /** What is true of agents. */
  readonly store: Pick<Store, "getAgent">;
  /** Who is connected here. */
  readonly sessions: Pick<Sessions, "live" | "replaced" | "disperse">;
  /** What looks into the queue again of an agent that somebody let go on. */
  readonly dispatcher: Pick<Dispatcher, "wake">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** For what goes wrong. */
  readonly log: Logger;
}

/**
 * Tells the other replicas, for as long as this one lives, which agents are
 * connected here. When it cannot for so long that it counts as dead, its agents
 * are sent away: one that reaches the store may have work for them. Each
 * session is also compared with the store every ten seconds, and looks into its
 * queue, should nobody have told that it was replaced, or its agent let go on:
 * neither changes an event.
 */
export class Roll implements AsyncDisposable {
  readonly #options: RollOptions;
  readonly #stop = new AbortController();
  readonly #clocks: ClockWatch;
  readonly #listening: Disposable;
  #taken = new Map<string, Seat>();
  #left = new Map<string, Seat>();
  #wake: () => void = () => {};
  #beats = 0;
  #beatenAt: number;
  /** Beats in a row that found no other replica. */
  #aloneBeats = 0;
  readonly #running: Promise<void>;

  private constructor(options: RollOptions) {
    this.#options = options;
    this.#beatenAt = options.clock.monotonic();
    this.#clocks = new ClockWatch(options.log);
    this.#listening = options.sessions.live.listen((seat, open) => {
      const key = `${seat.tenant}\n${seat.agent}`;
      if (open) this.#taken.set(key, seat);
      else {
        this.#taken.delete(key);
        this.#left.set(key, seat);
      }
      this.#wake();
    });
    this.#running = this.#run();
  }

  /**
   * Says that this replica is there; before any session is open.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  static async open(options: RollOptions): Promise<Roll> {
    await options.peers.beat({ taken: [], left: [] });
    return new Roll(options);
  }

  /** Stops; resolves when it was said where agents are not any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#listening[Symbol.dispose]();
  }

  /** Looks whether an agent's session here is still its session. Never rejects. */
  async verify(tenant: string, agent: string): Promise<void> {
    const { store, sessions, log } = this.#options;
    const session = sessions.live.get(tenant, agent);
    if (session === undefined) return;
    try {
      const known = await store.getAgent(tenant, agent);
      if (known !== undefined) {
        return sessions.replaced(tenant, agent, known.gen);
      }
      session.close(
        new TransporterError(
          "denied",
          `Cannot keep the session as agent "${agent}" was deleted`,
        ),
      );
    } catch (error) {
      log.warn("Cannot look at a session", { agent, error });
    }
  }

  async #run(): Promise<void> {
    const { clock, rng, log, sessions } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let eager = true;
      try {
        await this.#beat();
      } catch (error) {
        eager = false;
        const silentMs = clock.monotonic() - this.#beatenAt;
        log.warn("Cannot tell the other replicas", { error });
        if (silentMs >= ALIVE_MS) sessions.disperse("it cannot use its store");
      }
      await this.#pause(paced(BEAT_MS, rng), eager);
    }
    await this.#beat().catch(() => {}); // it says nothing any more, which says the same
  }

  /** Waits; if it is eager, no longer than until an agent has come or gone. */
  async #pause(ms: number, eager: boolean): Promise<void> {
    const { clock } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, over.signal]);
    if (eager) this.#wake = () => over.abort();
    if (eager && this.#taken.size + this.#left.size > 0) over.abort();
    await clock.sleep(ms, { signal }).catch(() => {}); // somebody woke it
    this.#wake = () => {};
  }

  async #beat(): Promise<void> {
    const { peers, clock, sessions } = this.#options;
    const turn = this.#turn([...sessions.live.all()]);
    const taken = new Map(
      turn.map(({ seat }) => [`${seat.tenant}\n${seat.agent}`, seat]),
    );
    for (const [key, seat] of this.#taken) taken.set(key, seat);
    const left = this.#left;
    this.#taken = new Map();
    this.#left = new Map();
    try {
      await peers.beat({
        taken: [...taken.values()],
        left: [...left.values()],
      });
    } catch (error) {
      // What is taken is told again in its turn.
      for (const [key, seat] of left) this.#left.set(key, seat);
      throw error;
    }
    this.#beatenAt = clock.monotonic();
    const replicas = await peers.replicas();
    this.#clocks.compare(peers.self.id, replicas);
    this.#aloneBeats = replicas.length > 1 ? 0 : this.#aloneBeats + 1;
    if (this.#aloneBeats <= 2 * ROUND) await this.#look(turn);
  }

  async #look(sessions: readonly Session[]): Promise<void> {
    for (let i = 0; i < sessions.length; i += LOOKS_MAX) {
      await Promise.all(
        sessions.slice(i, i + LOOKS_MAX).map(({ seat: { tenant, agent } }) => {
          this.#options.dispatcher.wake(tenant, agent);
          return this.verify(tenant, agent);
        }),
      );
    }
  }

  /** The sessions whose turn it is: every tenth, others with each beat. */
  #turn(sessions: readonly Session[]): readonly Session[] {
    const beat = this.#beats++ % ROUND;
    return sessions.filter((_, i) => i % ROUND === beat);
  }
}
