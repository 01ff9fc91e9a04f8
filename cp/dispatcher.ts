import { agentKey } from "./agent_key.ts";
import {
  Dispatch,
  type DispatchOptions,
  type DispatchTarget,
} from "./dispatch.ts";

/**
 * Sends events to the sessions of their agents: first what the agent may have
 * missed, then what is queued, as far as its window goes. Each session is on
 * its own: none waits for another.
 */
export class Dispatcher implements Disposable {
  readonly #options: DispatchOptions;
  readonly #listener: Disposable;
  readonly #doubts: Disposable;
  /** The dispatches of an agent; for a moment two while a session takes over. */
  readonly #dispatches = new Map<string, Set<Dispatch>>();

  /** Makes a dispatcher that hears of every change the recorder makes. */
  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#doubts = options.recorder.audience.listenDoubts((tenant) => {
      for (const [key, dispatches] of this.#dispatches) {
        if (!key.startsWith(agentKey(tenant, ""))) continue;
        for (const dispatch of dispatches) dispatch.doubt();
      }
    });
    this.#listener = options.recorder.audience.listen((record) => {
      const key = agentKey(record.tenant, record.spec.target_agent);
      for (const dispatch of this.#dispatches.get(key) ?? []) {
        dispatch.changed(record);
      }
    });
  }

  /** An event has changed elsewhere. */
  touched(tenant: string, agent: string, id: string): void {
    for (
      const dispatch of this.#dispatches.get(agentKey(tenant, agent)) ?? []
    ) {
      dispatch.touched(id);
    }
  }

  /** Nobody knows what has changed elsewhere: every session looks into the store. */
  missed(): void {
    for (const dispatches of this.#dispatches.values()) {
      for (const dispatch of dispatches) dispatch.missed();
    }
  }

  /**
   * Reads what a new session has to be sent again; `run` then sends.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  async open(target: DispatchTarget): Promise<Dispatch> {
    const key = agentKey(target.tenant, target.agent);
    const dispatch = new Dispatch(target, this.#options);
    const dispatches = this.#dispatches.get(key) ?? new Set();
    this.#dispatches.set(key, dispatches.add(dispatch));
    target.link.closed.then(() => {
      dispatches.delete(dispatch);
      if (dispatches.size === 0) this.#dispatches.delete(key);
    });
    await dispatch.load();
    return dispatch;
  }

  /** Looks into an agent's queue again, as something but its events has changed. */
  wake(tenant: string, agent: string): void {
    for (
      const dispatch of this.#dispatches.get(agentKey(tenant, agent)) ?? []
    ) {
      dispatch.wake();
    }
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
    this.#doubts[Symbol.dispose]();
  }
}
