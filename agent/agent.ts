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
import { Acknowledgements } from "./acknowledgements.ts";
import { Backlog } from "./backlog.ts";
import { config } from "./config.ts";
import { stayConnected } from "./connect.ts";
import { ControlPlaneClock } from "./control_plane_clock.ts";
import { drain, type DrainOptions, giveUp, leave } from "./drain.ts";
import { Inbox } from "./inbox.ts";
import { openDigest } from "./inventory.ts";
import { Journal } from "./journal.ts";
import { openDiskJournal } from "./journal_file.ts";
import { untilNothingWaits } from "./once.ts";
import {
  type AgentOptions,
  type AgentSettings,
  checkExecutors,
  checkOnce,
  identityOf,
  readUrl,
} from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Outputs } from "./outputs.ts";
import { Places } from "./places.ts";
import { type Identity, recvOf, registrationOf } from "./registration.ts";
import { Runner } from "./runner.ts";
import { converse, type SessionOptions } from "./session.ts";

/** How long nothing may be going on with `once`, unless told otherwise, in milliseconds. */
const ONCE_TIMEOUT_MS = 30_000;

/** The longest pause between two tries to connect then, in milliseconds: the last one comes late in that time. */
const ONCE_PAUSE_MS_MAX = 3_000;

/** An agent, from its journal to its link. */
export class Agent implements AsyncDisposable {
  readonly #settings: AgentSettings;
  readonly #options: AgentOptions & { clock: Clock; rng: Rng; log: Logger };
  readonly #identity: Identity;
  readonly #urls: readonly URL[];
  readonly #resources: AsyncDisposableStack;
  readonly #journal: Journal;
  readonly #places: Places;
  readonly #acknowledgements: Acknowledgements;
  readonly #outbox: Outbox;
  readonly #outputs: Outputs;
  readonly #runner: Runner;
  readonly #inbox: Inbox;
  readonly #controlPlaneClock: ControlPlaneClock;
  readonly #backlog = new Backlog();
  readonly #failed = Promise.withResolvers<unknown>();
  /** Why there is no session. */
  #lost: TransporterError | undefined;

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
    checkOnce(settings);
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
    const acknowledgements = this.#acknowledgements = new Acknowledgements({
      ...{ executors, journal, clock, log },
    });
    const acknowledged = () => acknowledgements.look();
    const outbox = this.#outbox = new Outbox({ journal, log, acknowledged });
    const outputs = this.#outputs = new Outputs(clock, () => outbox.held);
    const shared = { agentId, journal, places, outbox, clock, log };
    const { concurrency, window } = settings;
    const runner = this.#runner = new Runner({
      ...shared,
      controlPlaneClock,
      outputs,
      concurrency,
      standingMax: Math.max(1, Math.floor(window / 2)),
      failed: this.#fail,
    });
    this.#inbox = new Inbox({
      ...{ ...shared, controlPlaneClock, runner, executors },
    });
    journal.failed.then(this.#fail);
  }

  /**
   * Serves until the signal aborts, or with `once` until nothing waits, then
   * drains: takes no new work, lets what runs finish or cuts it off, and tells the
   * control plane. Call it once.
   *
   * @param signal Asks the agent to drain.
   * @throws {TransporterError} `store_unavailable` when the journal cannot be written any more;
   * `other_cluster` when its work would be done elsewhere now; with `once` those of
   * {@linkcode untilNothingWaits}, and `cancelled` when the signal aborts first.
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
      lost: (error) => this.#lost = error,
      ...(this.#settings.once ? { pauseMsMax: ONCE_PAUSE_MS_MAX } : {}),
      converse: (wire) => converse(wire, this.#sessionOptions(over.signal)),
      signal: over.signal,
    });
    connected.catch(this.#fail);
    const emptied = this.#settings.once
      ? this.#untilNothingWaits(AbortSignal.any([signal, over.signal]))
      : undefined;
    emptied?.then(stop, this.#fail);
    this.#acknowledgements.look();
    const watched = this.#places.watch(over.signal).catch(this.#fail);
    try {
      const drained = stopped.promise.then(() => drain(this.#ends));
      const failure = await Promise.race([drained, this.#failed.promise]);
      if (failure !== undefined) {
        await giveUp(this.#ends);
        throw failure;
      }
      if (await emptied === false) {
        throw new TransporterError(
          "cancelled",
          `Stopped before all that waits for agent "${this.#identity.id}" was run: the next run goes on with it`,
        );
      }
    } finally {
      signal.removeEventListener("abort", stop);
      over.abort();
      this.#acknowledgements.stop();
      await leave([connected, watched], this.#options);
    }
  }

  /** Closes the journal and lets go of the folder; only after `run` has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  readonly #fail = (reason: unknown): void => this.#failed.resolve(reason);

  get #ends(): DrainOptions {
    const { clock, log } = this.#options;
    const [inbox, runner, outbox] = [this.#inbox, this.#runner, this.#outbox];
    const { drainTimeout } = this.#settings;
    const [outputs, acknowledgements] = [this.#outputs, this.#acknowledgements];
    const rest = { drainTimeout, clock, log };
    return { inbox, runner, outbox, outputs, acknowledgements, ...rest };
  }

  /** Resolves once nothing waits, if that is to be the end. */
  async #untilNothingWaits(signal: AbortSignal): Promise<boolean> {
    const { onceTimeout = ONCE_TIMEOUT_MS } = this.#settings;
    return await untilNothingWaits({
      ...this.#ends,
      agentId: this.#identity.id,
      backlog: this.#backlog,
      controlPlaneClock: this.#controlPlaneClock,
      timeoutMs: onceTimeout,
      hindrance: () => this.#lost ?? this.#inbox.refusal,
      signal,
    });
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
        this.#lost = undefined;
        log.info("Connected", {
          link: welcome?.v ?? 1,
          session: welcome?.session,
        });
        journal.keepPurged(() => this.#controlPlaneClock.now(), held);
      },
      inbox: this.#inbox,
      outbox: this.#outbox,
      outputs: this.#outputs,
      backlog: this.#backlog,
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
