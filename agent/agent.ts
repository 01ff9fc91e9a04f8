import {
  type Clock,
  formatTime,
  type Logger,
  type Rng,
  silentLogger,
  systemClock,
  systemRng,
  TransporterError,
  ulids,
} from "@transporter/sdk";
import { config } from "./config.ts";
import { stayConnected } from "./connect.ts";
import { ControlPlaneClock } from "./control_plane_clock.ts";
import { Inbox } from "./inbox.ts";
import { openDigest } from "./inventory.ts";
import { Journal } from "./journal.ts";
import { openDiskJournal } from "./journal_file.ts";
import {
  type AgentOptions,
  type AgentSettings,
  checkExecutors,
  identityOf,
  readUrl,
} from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Outputs } from "./output.ts";
import { Places } from "./places.ts";
import { type Identity, recvOf, registrationOf } from "./registration.ts";
import { Runner } from "./runner.ts";
import { converse, type SessionOptions } from "./session.ts";

/** The part of the drain time that is kept for attempts that have to be cut off, in milliseconds. */
const CUT_OFF_MS_MAX = 5_000;

/** An agent, from its journal to its link. */
export class Agent implements AsyncDisposable {
  readonly #settings: AgentSettings;
  readonly #options: AgentOptions & { clock: Clock; rng: Rng; log: Logger };
  readonly #identity: Identity;
  readonly #urls: readonly URL[];
  readonly #resources: AsyncDisposableStack;
  readonly #journal: Journal;
  readonly #places: Places;
  readonly #outbox: Outbox;
  readonly #outputs: Outputs;
  readonly #runner: Runner;
  readonly #inbox: Inbox;
  readonly #controlPlaneClock: ControlPlaneClock;
  readonly #failed = Promise.withResolvers<unknown>();

  /**
   * Opens the journal, which nobody else may have open, and compares where its
   * work was done with where it would be done now.
   *
   * @param options The settings, and what it works with.
   * @throws {TransporterError} `usage` for a setting that does not fit, `folder_in_use` when another
   * process has the folder, `store_unavailable` when the journal cannot be read, `other_cluster` when
   * its work was done elsewhere.
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const { clock = systemClock, rng = systemRng, log = silentLogger } =
      options;
    const settings = { ...config.read({}).values, ...options };
    const identity = identityOf(settings, options);
    const urls = settings.cpUrl.map((url) => readUrl(url, options.dials));
    if (urls.length === 0) {
      throw new TransporterError(
        "usage",
        "Cannot start the agent without --cp-url",
      );
    }
    checkExecutors(options.executors);
    await using opening = new AsyncDisposableStack();
    const file = options.journalFile ??
      await openDiskJournal(settings.dataDir, opening);
    const ids = ulids(() => clock.now(), rng);
    const journal = opening.use(
      await Journal.open(file, {
        agent: identity.id,
        ids,
        clock,
        log,
        bytesMax: settings.journalMax * 1024 * 1024,
      }),
    );
    const { executors } = options;
    const places = new Places({ executors, journal, clock, log });
    await places.open(); // before the control plane is dialled: a clone must not take over the session
    return new Agent({
      settings,
      options: { ...options, clock, rng, log },
      identity,
      urls,
      journal,
      places,
      resources: opening.move(),
    });
  }

  /** Made by {@linkcode Agent.open}. */
  constructor(parts: {
    readonly settings: AgentSettings;
    readonly options: AgentOptions & { clock: Clock; rng: Rng; log: Logger };
    readonly identity: Identity;
    readonly urls: readonly URL[];
    readonly journal: Journal;
    readonly places: Places;
    readonly resources: AsyncDisposableStack;
  }) {
    const { settings, options, identity, urls, journal, resources } = parts;
    const { places } = parts;
    const { clock, log, executors } = options;
    const agentId = identity.id;
    this.#settings = settings;
    this.#options = options;
    this.#identity = identity;
    this.#urls = urls;
    this.#resources = resources;
    this.#journal = journal;
    this.#places = places;
    const controlPlaneClock = this.#controlPlaneClock = new ControlPlaneClock(
      clock,
    );
    const outbox = this.#outbox = new Outbox({ journal, log });
    const outputs = this.#outputs = new Outputs(clock, () => outbox.held);
    const shared = {
      agentId,
      journal,
      places,
      outbox,
      clock,
      controlPlaneClock,
      log,
    };
    const { concurrency, window } = settings;
    const runner = this.#runner = new Runner({
      ...shared,
      outputs,
      concurrency,
      standingMax: Math.max(1, Math.floor(window / 2)),
      failed: this.#fail,
    });
    this.#inbox = new Inbox({ ...shared, runner, executors });
    journal.failed.then(this.#fail);
  }

  /**
   * Serves until the signal aborts, then drains: takes no new work, lets what
   * runs finish or cuts it off, and tells the control plane. Call it once.
   *
   * @param signal Asks the agent to drain.
   * @throws {TransporterError} `store_unavailable` when the journal cannot be written any more;
   * `other_cluster` when its work would be done elsewhere now.
   */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const stopped = Promise.withResolvers<void>();
    const stop = () => stopped.resolve();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const connected = stayConnected({
      ...this.#options,
      urls: this.#urls,
      converse: (wire) => converse(wire, this.#sessionOptions(over.signal)),
      signal: over.signal,
    });
    connected.catch(this.#fail);
    const watched = this.#places.watch(over.signal).catch(this.#fail);
    try {
      const drained = stopped.promise.then(() => this.#drain());
      const failure = await Promise.race([drained, this.#failed.promise]);
      if (failure !== undefined) await this.#giveUp(failure);
    } finally {
      signal.removeEventListener("abort", stop);
      over.abort();
      await connected;
      await watched;
    }
  }

  /** Closes the journal and lets go of the folder; only after `run` has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  readonly #fail = (reason: unknown): void => this.#failed.resolve(reason);

  async #drain(): Promise<undefined> {
    const { clock, log } = this.#options;
    const { drainTimeout } = this.#settings;
    const cutOffMs = Math.min(CUT_OFF_MS_MAX, drainTimeout / 2);
    log.info("Draining", {
      running: this.#runner.running,
      waiting: this.#runner.waiting,
    });
    this.#inbox.stop();
    this.#runner.stop();
    const end = clock.monotonic() + drainTimeout;
    await this.#within(this.#runner.idle(), drainTimeout - cutOffMs);
    if (this.#runner.running > 0) {
      log.warn("Events are cut off as the time to drain is over", {
        running: this.#runner.running,
      });
      this.#cutOff();
    }
    await this.#within(
      this.#runner.idle().then(() => this.#outbox.flushed()),
      end - clock.monotonic(),
    );
    log.info("Drained", {
      running: this.#runner.running,
      unacknowledged: this.#outbox.length,
    });
  }

  async #giveUp(reason: unknown): Promise<never> {
    this.#inbox.stop();
    this.#runner.stop();
    this.#cutOff();
    await this.#within(this.#runner.idle(), CUT_OFF_MS_MAX);
    throw reason;
  }

  #cutOff(): void {
    const reason = "The agent was stopped before the event was over";
    this.#runner.abort(new TransporterError("interrupted", reason));
  }

  /** Waits for something, but not for ever. */
  async #within(work: Promise<void>, ms: number): Promise<void> {
    const done = new AbortController();
    const timeout = this.#options.clock.sleep(Math.max(0, ms), {
      signal: done.signal,
    })
      .catch((reason) => {
        if (!done.signal.aborted) throw reason;
      });
    await Promise.race([work, timeout]);
    done.abort();
  }

  #sessionOptions(signal: AbortSignal): SessionOptions {
    const { clock, log } = this.#options;
    const [journal, runner] = [this.#journal, this.#runner];
    const held = (id: string) => runner.holds(id);
    const recv = () => recvOf(journal.meta, journal.entries(), held);
    return {
      registration: () =>
        registrationOf(this.#identity, {
          executors: this.#options.executors.map(({ info }) => info),
          meta: journal.meta,
          recv: recv(),
          inventory: openDigest(journal.entries()),
          window: this.#settings.window,
          clock: formatTime(clock.now()),
        }),
      figures: () => ({
        metrics: {
          running: runner.running,
          waiting: runner.waiting,
          unacknowledged: this.#outbox.length,
          journal_bytes: journal.bytes,
          taking: journal.refusal() === undefined,
          ...this.#places.figures,
          clock_offset_ms: this.#controlPlaneClock.offsetMs ?? null,
        },
        link: {
          recv: recv(),
          started: runner.startedSeq,
          queued: runner.waiting,
        },
      }),
      registered: (welcome) => {
        log.info("Connected", {
          link: welcome?.v ?? 1,
          session: welcome?.session,
        });
        journal.keepPurged(() => this.#controlPlaneClock.now(), held);
      },
      inbox: this.#inbox,
      outbox: this.#outbox,
      outputs: this.#outputs,
      runner,
      journal,
      window: this.#settings.window,
      heartbeatMs: this.#settings.heartbeatInterval,
      clock,
      controlPlaneClock: this.#controlPlaneClock,
      log,
      failed: this.#fail,
      signal,
    };
  }
}
