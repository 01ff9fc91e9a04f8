import { type Clock, fullJitter, type Rng } from "@transporter/sdk";
import type { Fields, Gate } from "./gate.ts";
import {
  answered,
  type Exchanged,
  type Failure,
  failure,
  type Sent,
  silence,
  withOnce,
} from "./outcome.ts";
import { type Asker, judgeNew, passGate } from "./pass_gate.ts";
import { Recent } from "./recent.ts";
import { Doubt, Start } from "./start.ts";
import { ApiStream } from "./stream.ts";
import { type Success, successOf } from "./success.ts";
import type { ApiAnswer, Sink } from "./answer.ts";
import type { ApiRequest, Transport } from "./transport.ts";
import type { Header } from "./impersonate.ts";
import { judge, type Verdict } from "./verdict.ts";

/** The bounds of one call. */
export interface CallOptions extends Ungated {
  /** What is done, for errors: `apply ConfigMap "a"`; continues "Cannot". */
  readonly doing: string;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** When to stop trying again, in milliseconds since 1970. */
  readonly until: number;
  /** A try that may have been done ends the call, as doing it again may be one time too many. */
  readonly once?: boolean;
  /** Called just before each try; ends the call by throwing. */
  readonly beforeTry?: () => Promise<void>;
  /** Told before each new try, and why. */
  readonly onRetry?: (reason: string) => Promise<void>;
  /** Has the last word on an answer; by default the verdict stands. `since` is when the call began. */
  readonly review?: (verdict: Verdict, since: number) => Verdict;
}

/** A call that no gate has to let pass: what the agent says for itself. */
interface Ungated {
  /** Whether it is one. */
  readonly ungated?: boolean;
}

/** Options of {@linkcode ApiClient}. */
export interface ApiClientOptions {
  /** Headers of every request. */
  readonly headers?: readonly Header[];
  /** Decides about writes before they are sent; absent: nobody does. */
  readonly gate?: Gate | undefined;
  /** Sends the requests. */
  readonly transport: Transport;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** Whether the server is starting, as another client of it knows; one of its own unless given. */
  readonly start?: Start;
}

/** What a try is given even when there is less time left, in milliseconds: one that is cut off may have been done. */
const TRY_MS_MIN = 1_000;

const BACKOFF = { initialMs: 200, maxMs: 10_000 } as const;

/**
 * Speaks to an API server until it gives a real answer: what is transient is
 * tried again, with a growing pause, until time is up.
 */
export class ApiClient {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #options: ApiClientOptions;
  readonly #self: Recent<Fields>;
  readonly #start: Start;

  /** Makes one. */
  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#start = options.start ?? new Start(options);
    this.#self = new Recent(options.clock);
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#rng = options.rng;
  }

  /** Whether somebody decides about writes before they are sent. */
  get isGated(): boolean {
    return this.#options.gate !== undefined;
  }

  /** One that sends these headers with every request, over the same connections. */
  with(headers: readonly Header[]): ApiClient {
    return new ApiClient({ ...this.#options, headers, start: this.#start });
  }

  /**
   * Sends a request until it succeeds or cannot succeed. May be called concurrently.
   *
   * @throws {TransporterError} The code of {@linkcode judge}; `cluster_unavailable` when there was no
   * answer until the end; what the signal aborts with. `details.maybe_done` when a write got no answer.
   */
  async call(request: ApiRequest, options: CallOptions): Promise<Success> {
    const outcome = await this.#ask(request, options);
    if ("body" in outcome) return outcome;
    throw failure(outcome, options.doing);
  }

  /** The same as {@linkcode ApiClient.call}, but `undefined` when the object is not there. */
  async find(
    request: ApiRequest,
    options: CallOptions,
  ): Promise<Success | undefined> {
    const outcome = await this.#ask(request, options);
    if ("body" in outcome) return outcome;
    if (outcome.missing === "object") return undefined;
    throw failure(outcome, options.doing);
  }

  /**
   * Waits until the server has started, if it is still about to.
   *
   * @returns Whether there was something to wait for: what was said before may not hold.
   */
  async settle(
    limits: Pick<CallOptions, "signal" | "until">,
  ): Promise<boolean> {
    const { headers } = this.#options;
    return await this.#start.wait({ ...limits, headers });
  }

  /**
   * Has an object decided about that is to be made at a path later, as the
   * server would make it. Sends nothing for it.
   *
   * @throws {TransporterError} `denied`.
   */
  async judgeNew(
    object: Fields,
    path: string,
    options: CallOptions,
  ): Promise<void> {
    await judgeNew(this.#options.gate, object, path, this.#asker(options));
  }

  /** The same as {@linkcode ApiClient.call}, for an answer that is better not in memory as a whole: `sink` takes it. */
  async read(
    request: ApiRequest,
    sink: Sink,
    options: CallOptions,
  ): Promise<void> {
    const outcome = await this.#exchange(request, options, sink);
    if (!("good" in outcome)) throw failure(outcome, options.doing);
  }

  /**
   * The same as {@linkcode ApiClient.call}, for an answer that goes on for at
   * most `lifeMs` milliseconds. Once it has begun nothing is tried again.
   */
  async open(
    request: ApiRequest,
    options: CallOptions & { readonly lifeMs: number },
  ): Promise<ApiStream> {
    const outcome = await this.#run(request, options, async () => {
      const answer = await this.#transport.open(
        this.#complete(request),
        options,
      );
      return answer instanceof ApiStream
        ? { good: answer }
        : { refused: answer };
    });
    if ("good" in outcome) return outcome.good;
    throw failure(outcome, options.doing);
  }

  #complete(request: ApiRequest): ApiRequest {
    const { headers } = this.#options;
    return headers === undefined ? request : { ...request, headers };
  }

  #asker(options: CallOptions): Asker {
    const send: Asker["send"] = (each, limits) => this.#send(each, limits);
    return { options, send, self: this.#self };
  }

  async #ask(
    request: ApiRequest,
    options: CallOptions,
  ): Promise<Success | Failure> {
    const asker = this.#asker(options);
    const passed = await passGate(this.#options.gate, request, asker);
    if ("code" in passed) return passed;
    const outcome = await this.#send(request, options);
    if (!("body" in outcome)) return outcome;
    const warnings = [...passed.warnings, ...outcome.warnings];
    return { ...outcome, warnings };
  }

  async #send(
    request: ApiRequest,
    options: CallOptions,
  ): Promise<Success | Failure> {
    const outcome = await this.#exchange(request, options);
    if (!("good" in outcome)) return outcome;
    const { good, uncertain } = outcome;
    const { doing } = options;
    return successOf(good, { doing, method: request.method, uncertain });
  }

  #exchange(
    request: ApiRequest,
    options: CallOptions,
    sink?: Sink,
  ): Promise<Exchanged<ApiAnswer> | Failure> {
    return this.#run(request, options, async () => {
      const answer = await this.#transport.send(
        this.#complete(request),
        options.signal,
        { sink, timeoutMs: this.#timeLeft(options) },
      );
      return answer.status < 400 ? { good: answer } : { refused: answer };
    });
  }

  /** How long a try may take: no longer than the call, which may be for one try only. */
  #timeLeft({ until }: CallOptions): number {
    const leftMs = until - this.#clock.now();
    return leftMs <= 0 ? Infinity : Math.max(leftMs, TRY_MS_MIN);
  }

  async #run<Good>(
    request: ApiRequest,
    options: CallOptions,
    send: () => Promise<Sent<Good>>,
  ): Promise<Exchanged<Good> | Failure> {
    const { signal, until, review = (verdict: Verdict) => verdict } = options;
    const since = this.#clock.now();
    const { headers } = this.#options;
    const doubt = new Doubt(this.#start);
    let uncertain = false;
    for (let failures = 0;; failures++) {
      signal.throwIfAborted();
      await options.beforeTry?.();
      doubt.begin();
      const sent = await answered(send);
      if ("good" in sent) return { good: sent.good, uncertain };
      const { silent } = sent;
      const judged = silent === undefined
        ? review(judge(sent.refused), since)
        : silence(silent);
      const verdict = options.once
        ? withOnce(judged)
        : await doubt.review(judged, failures, { signal, headers });
      uncertain ||= verdict.unclear === true && request.method !== "GET";
      const jitter = fullJitter(failures, this.#rng, BACKOFF);
      const pause = Math.max(verdict.retryAfterMs ?? 0, jitter);
      if (!verdict.transient || this.#clock.now() + pause >= until) {
        return {
          ...verdict,
          maybeDone: uncertain,
          ...(silent === undefined ? {} : { cause: silent }),
        };
      }
      await options.onRetry?.(verdict.reason);
      await this.#clock.sleep(pause, { signal });
    }
  }
}
