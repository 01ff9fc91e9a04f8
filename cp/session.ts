import {
  type Carrier,
  type Clock,
  type ErrorCode,
  type Link,
  type LinkFeature,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import type { Dispatcher } from "./dispatcher.ts";
import type { Dispatch } from "./dispatch.ts";
import {
  type Agreement,
  featuresOf,
  replyTo,
  resumptionOf,
  type WelcomeOptions,
  welcomeTo,
  windowFor,
} from "./handshake.ts";
import { Incoming } from "./incoming.ts";
import type { Quotas } from "./log_quota.ts";
import type { Metrics } from "./metrics_port.ts";
import type { Seat } from "./peers/port.ts";
import { Reconciliation } from "./reconcile.ts";
import type { Recorder } from "./recorder.ts";
import type { Store } from "./store/store.ts";
import type { Rounds } from "./rounds.ts";
import { watched } from "./watch.ts";

/**
 * Milliseconds before the agent had told all from which on its memory is asked
 * for: its clock may be five minutes off, and it is seen once a minute.
 */
const SINCE_MS = 10 * 60_000;

/** Milliseconds that a farewell may take. */
const BYE_MS_MAX = 1000;

/** When agents are to come back from a control plane that closes: a restart takes about as long. */
const COME_BACK = { reconnect_after_ms: 1500, jitter_ms: 3000 };

/** The same where another one may be there already. */
const GO_ON = { reconnect_after_ms: 0, jitter_ms: 1000 };

/** Reasons for the end of a session that the agent is told as they are. */
const PASSED_ON: ReadonlySet<ErrorCode> = new Set([
  "superseded",
  "bad_frame",
  "unavailable",
  "timeout",
]);

/** Figures of sessions. */
export interface SessionConfig {
  /** Events that an agent may have at a time; an agent may ask for fewer. */
  readonly windowMax: number;
  /** Bytes of the bodies of those; one alone may have more. */
  readonly windowBytesMax: number;
  /** Milliseconds between heartbeats that agents are asked for. */
  readonly heartbeatMs: number;
  /** Milliseconds without any frame after which a session is over. */
  readonly idleMs: number;
}

/** What sessions work with. */
export interface SessionPorts {
  /** Where signs of life are noted. */
  readonly store: Store;
  /** Who records statuses. */
  readonly recorder: Recorder;
  /** Who sends events. */
  readonly dispatcher: Dispatcher;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For what happens. */
  readonly log: Logger;
  /** What counts sessions. */
  readonly metrics: Metrics;
  /** Whether agents may have sessions elsewhere, too, over the same store. */
  readonly shared: boolean;
  /** Figures. */
  readonly config: SessionConfig;
}

/** Options of {@linkcode Session}. */
export interface SessionOptions extends SessionPorts, Agreement, Quotas {
  /** Whether the store cannot have gone back in time since it had all that the agent remembers. */
  readonly unbroken: boolean;
  /** Called once the store has that, now. */
  readonly fits: () => void;
  /** The name of the agent's stream, should it have to begin anew. */
  readonly newEpoch: string;
  /** Whose agent it is. */
  readonly tenant: string;
  /** What carries its frames. */
  readonly carrier: Carrier;
  /** The conversation. */
  readonly link: Link;
  /** Who calls {@linkcode Session.look} now and then. */
  readonly rounds: Rounds<Session>;
  /** Over how many milliseconds agents spread their return. */
  readonly spreadMs: () => number;
}

/** The conversation with one agent, from its registration to the end of its link. */
export class Session {
  readonly #options: SessionOptions;
  readonly #log: Logger;
  readonly #incoming: Incoming;
  readonly #done = Promise.withResolvers<void>();
  #reason: TransporterError | undefined;
  readonly #features: ReadonlySet<LinkFeature>;
  #dispatching: Promise<void> = Promise.resolve();
  #failed = false;

  /** Resolves when the session is over and all it began to write is written. */
  readonly done: Promise<void> = this.#done.promise;

  /** Makes a session; `run` begins it. */
  constructor(options: SessionOptions) {
    const { agent, log } = options;
    this.#options = options;
    this.#log = log.with({ agent: agent.id, gen: agent.gen });
    this.#features = new Set(featuresOf(options));
    this.#incoming = new Incoming({
      ...options,
      features: this.#features,
      log: this.#log,
      failed: (error) => void this.#fail(error),
    });
  }

  /** Whose session it is, and what the agent said of itself with its last heartbeat, if anything. */
  get seat(): Seat {
    const { tenant, agent: { id: agent, gen }, carrier } = this.#options;
    const { figures } = this.#incoming;
    const said = figures === undefined ? {} : { figures };
    return { tenant, agent, gen, carrier, ...said };
  }

  /** Greets the agent, sends events and takes statuses until the link ends. Once; never rejects. */
  async run(): Promise<void> {
    const { link, metrics, agent, rounds } = this.#options;
    metrics.sessionsOpen(1);
    this.#log.info("Session begins", { link: agent.linkVersion });
    rounds.add(this);
    try {
      await this.#greet();
      for await (const delivery of link.receive()) {
        if (this.#failed) break;
        const taken = this.#incoming.take(delivery);
        if (taken) await taken;
      }
    } catch (reason) {
      await this.#fail(TransporterError.from(reason));
    }
    const code = await this.#finish();
    metrics.sessionsOpen(-1);
    metrics.sessionEnded(code);
    this.#log.info("Session is over", { reason: code });
    this.#done.resolve();
  }

  /** Ends the session when nothing is heard from the agent; returns in how many milliseconds to look again. */
  look(): number {
    const { link, clock, config: { idleMs } } = this.#options;
    const { gone, restMs } = watched(link, { now: clock.monotonic(), idleMs });
    if (gone !== undefined) this.close(gone);
    return restMs;
  }

  /** Ends the session, telling the agent why. Idempotent: the first reason counts. */
  async close(reason: TransporterError): Promise<void> {
    this.#reason ??= reason;
    await this.#options.link.close(this.#reason);
  }

  /** Says goodbye, then closes: the agent is to come back, here or elsewhere. */
  async drain(reason: string): Promise<void> {
    const { link, clock, agent, shared, spreadMs } = this.#options;
    if (agent.linkVersion === 2) {
      const back = shared ? GO_ON : COME_BACK;
      const jitter = Math.max(back.jitter_ms, spreadMs());
      const said = new AbortController();
      const words = link.send(
        this.#features.has("drain")
          ? { type: "drain", reason, ...back, jitter_ms: jitter }
          : { type: "bye", reason },
      );
      await Promise.race([
        words.catch(() => {}), // the link is over already
        clock.sleep(BYE_MS_MAX, { signal: said.signal }).catch(() => {}),
      ]);
      said.abort();
    }
    await this.close(
      new TransporterError("unavailable", `Control plane closes: ${reason}`),
    );
  }

  async #greet(): Promise<void> {
    const { link, agent, tenant, dispatcher, config } = this.#options;
    await link.send(replyTo(this.#options));
    const dispatch = await dispatcher.open({
      tenant,
      agent: agent.id,
      gen: agent.gen,
      version: agent.linkVersion,
      nextSeq: agent.nextSeq,
      cancels: this.#features.has("cancel"),
      window: windowFor(this.#options, config),
      link,
      failed: (error) => void this.#fail(error),
    });
    const recv = agent.linkVersion === 2 ? await this.#resume(dispatch) : 0;
    this.#incoming.dispatch = dispatch;
    this.#dispatching = dispatch.run(recv);
  }

  /** Welcomes an agent of version 2; returns up to which `seq` nothing is sent again. */
  async #resume(dispatch: Dispatch): Promise<number> {
    const { agent: { epoch, nextSeq }, unbroken, newEpoch } = this.#options;
    const facts = { attempts: dispatch.attempts, unbroken };
    const { resume, recv } = resumptionOf(this.#options, facts);
    if (resume !== "reconcile") {
      const seqMin = dispatch.seqAfter(recv);
      await this.#welcome({ resume, epoch, nextSeq, seqMin });
      if (this.#features.has("resume")) this.#incoming.fits();
      return recv;
    }
    await this.#welcome({ resume, epoch: newEpoch, seqMin: undefined });
    if (!await this.#reconcile()) return 0;
    this.#incoming.fits();
    await dispatch.load();
    return 0;
  }

  async #welcome(
    options: Pick<WelcomeOptions, "resume" | "epoch" | "nextSeq" | "seqMin">,
  ): Promise<void> {
    const { link, config, clock, registration } = this.#options;
    const now = clock.now();
    await link.send(
      welcomeTo(this.#options, { ...config, ...options, now }),
    );
    link.upgrade({
      epoch: options.epoch,
      frameBytesMax: registration.link?.max_frame ?? 0,
    });
  }

  /** Takes over what the agent remembers, and begins its stream anew; returns whether the agent told all of it. */
  async #reconcile(): Promise<boolean> {
    const { agent, tenant, store, newEpoch } = this.#options;
    const { toldAt } = agent;
    const fence = { agent: agent.id, gen: agent.gen };
    const told = await new Reconciliation({
      ...this.#options,
      log: this.#log,
      fence,
      ...(toldAt === undefined ? {} : { since: toldAt - SINCE_MS }),
      take: (delivery) => this.#incoming.take(delivery),
      settled: () => this.#incoming.settled(),
    }).run();
    if (told) await store.restartStream(tenant, fence, newEpoch);
    return told;
  }

  /** Ends the session because of something that went wrong here or there. */
  async #fail(error: TransporterError): Promise<void> {
    this.#failed = true;
    if (error.code === "internal") this.#log.error("Session fails", { error });
    await this.close(PASSED_ON.has(error.code) ? error : comeBack(error));
  }

  async #finish(): Promise<ErrorCode | "closed"> {
    const { link, rounds } = this.#options;
    rounds.delete(this);
    await link.close(this.#reason);
    await this.#dispatching;
    await this.#incoming.finish();
    return (this.#reason ?? await link.closed)?.code ?? "closed";
  }
}

/** What the agent is told when the fault is not its own. */
function comeBack(cause: TransporterError): TransporterError {
  const [code, message] = cause.code === "exhausted"
    ? ["slow_down", "Agent reads too slowly"] as const
    : cause.code === "store_unavailable" || cause.code === "disk_full"
    ? ["unavailable", "Control plane cannot store anything now"] as const
    : ["unavailable", "Control plane cannot go on with the session"] as const;
  return new TransporterError(code, `${message}, come back later`, { cause });
}
