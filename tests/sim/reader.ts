import { isTerminal, type State, STATES } from "@transporter/sdk";
import type { Api } from "./api.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import type { Random } from "./random.ts";

/** Milliseconds between looks, on average, while there are faults. */
const LOOK_MS = 600;

/** The same when there are none any more, and little changes. */
const CALM_LOOK_MS = 3000;

/** Milliseconds until it asks again for what it wants an answer to. */
const AGAIN_MS = 100;

/** What the reader works with. */
export interface ReaderOptions {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** The way to the control plane. */
  readonly api: Api;
  /** Who notes what it is told. */
  readonly observer: Observer;
  /** The ids it may ask for. */
  readonly ids: readonly string[];
}

/** Asks for events all the time, and remembers which it was told have ended. */
export class Reader {
  readonly #options: ReaderOptions;
  #everyMs = LOOK_MS;
  readonly #last = new Map<string, State | "absent">();

  /** Makes one that has not asked yet. */
  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** The events that it was not told have ended, or are not there. */
  get open(): readonly string[] {
    return this.#options.ids.filter((id) => {
      const state = this.#last.get(id);
      return state === undefined || (state !== "absent" && !isTerminal(state));
    });
  }

  /** Looks less often from now on. */
  calmDown(): void {
    this.#everyMs = CALM_LOOK_MS;
  }

  /** Forgets what it was told so far: what is not there yet may come. */
  forget(): void {
    this.#last.clear();
  }

  /** Looks at one thing after the other, at random, for ever. */
  async look(): Promise<void> {
    const { random, ids } = this.#options;
    for (;;) {
      await this.#sleep(random.exponential(this.#everyMs));
      const id = ids[random.int(0, ids.length - 1)];
      if (id === undefined) return;
      const what = random.next();
      if (what < 0.8) this.read(id);
      else if (what < 0.9) this.history(id);
      else if (what < 0.95) this.logs(id);
      else this.list(STATES[random.int(1, STATES.length - 1)] ?? "queued");
    }
  }

  /** Looks at all that is open, at once. */
  glance(): void {
    for (const id of this.open) this.read(id);
  }

  /** Asks for everything, until all of it was answered. */
  async all(): Promise<void> {
    for (const id of this.#options.ids) {
      while (!await this.read(id)) await this.#sleep(AGAIN_MS);
      await this.history(id);
      await this.logs(id);
    }
    for (const state of STATES) await this.list(state);
  }

  /** Asks where an event is; returns whether there was an answer. */
  async read(event: string): Promise<boolean> {
    const { loop, api, observer } = this.#options;
    const at = loop.now;
    const answer = await api.call(({ store }) =>
      store.getEvent("default", event)
    );
    if (answer.kind !== "ok") return false;
    const { state = "absent", attempt = 0, revision = 0, phase } =
      answer.value ?? {};
    this.#last.set(event, state);
    observer.note({
      kind: "read",
      at,
      end: loop.now,
      event,
      state,
      attempt,
      revision,
      ...(phase === undefined ? {} : { phase }),
    });
    return true;
  }

  /** Asks what happened to an event. */
  async history(event: string): Promise<void> {
    const { loop, api, observer } = this.#options;
    const at = loop.now;
    const answer = await api.call(({ store }) =>
      store.listHistory("default", event)
    );
    if (answer.kind !== "ok") return;
    const entries = answer.value.map(({ revision, state, phase }) => ({
      revision,
      state,
      ...(phase === undefined ? {} : { phase }),
    }));
    observer.note({ kind: "history", at, end: loop.now, event, entries });
  }

  /** Asks what an event put out. */
  async logs(event: string): Promise<void> {
    const { loop, api, observer } = this.#options;
    const at = loop.now;
    const answer = await api.call(({ core }) =>
      core.operator.logs("default", event, { after: 0, limit: 500 })
    );
    if (answer.kind !== "ok") return;
    const pieces = answer.value.map(({ attempt, off, data: text }) => ({
      attempt,
      off,
      text,
    }));
    observer.note({ kind: "logs", at, end: loop.now, event, pieces });
  }

  /** Asks which events are in a state. */
  async list(state: State): Promise<void> {
    const { loop, api, observer } = this.#options;
    const at = loop.now;
    const answer = await api.call(({ store }) =>
      store.listEvents("default", { states: [state], limit: 500 })
    );
    if (answer.kind !== "ok") return;
    const events = answer.value.map(({ spec: { id: event }, state }) => ({
      event,
      state,
    }));
    observer.note({ kind: "list", at, end: loop.now, state, events });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) =>
      this.#options.loop.after(ms, "reader", resolve)
    );
  }
}
