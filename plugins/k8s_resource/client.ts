import {
  type Clock,
  fullJitter,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import type { Fields, Gate } from "./gate.ts";
import { LongAnswer, NoAnswer } from "./no_answer.ts";
import { type Asker, judgeNew, passGate } from "./pass_gate.ts";
import { Recent } from "./recent.ts";
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
  /** A try that got no answer ends the call, as doing it again may be one time too many. */
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
}

/** How a call failed. */
export interface Failure extends Verdict {
  /** Why there was no answer, if there was none. */
  readonly cause?: NoAnswer;
  /** It was a write, and a try of it got no answer. */
  readonly maybeDone: boolean;
}

function failure(outcome: Failure, doing: string): TransporterError {
  const { code, reason, cause, maybeDone } = outcome;
  return new TransporterError(code, `Cannot ${doing}: ${reason}`, {
    cause,
    ...(maybeDone ? { details: { maybe_done: true } } : {}),
  });
}

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

  /** Makes one. */
  constructor(options: ApiClientOptions) {
    this.#options = options;
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
    return new ApiClient({ ...this.#options, headers });
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
    return successOf(good, { doing: options.doing, uncertain });
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
        sink,
      );
      return answer.status < 400 ? { good: answer } : { refused: answer };
    });
  }

  async #run<Good>(
    request: ApiRequest,
    options: CallOptions,
    send: () => Promise<Sent<Good>>,
  ): Promise<Exchanged<Good> | Failure> {
    const { signal, until, review = (verdict: Verdict) => verdict } = options;
    const since = this.#clock.now();
    let uncertain = false;
    for (let failures = 0;; failures++) {
      signal.throwIfAborted();
      await options.beforeTry?.();
      const sent = await answered(send);
      if ("good" in sent) return { good: sent.good, uncertain };
      const { silent } = sent;
      uncertain ||= silent !== undefined;
      const verdict = silent === undefined
        ? review(judge(sent.refused), since)
        : silence(silent, options);
      const jitter = fullJitter(failures, this.#rng, BACKOFF);
      const pause = Math.max(verdict.retryAfterMs ?? 0, jitter);
      if (!verdict.transient || this.#clock.now() + pause >= until) {
        const maybeDone = uncertain && request.method !== "GET";
        return {
          ...verdict,
          maybeDone,
          ...(silent === undefined ? {} : { cause: silent }),
        };
      }
      await options.onRetry?.(verdict.reason);
      await this.#clock.sleep(pause, { signal });
    }
  }
}

/** A success, and whether a try before it ended without an answer. */
interface Exchanged<Good> {
  readonly good: Good;
  readonly uncertain: boolean;
}

/** What a request led to, when there was an answer. */
type Sent<Good> =
  | { readonly good: Good }
  | { readonly refused: ApiAnswer; readonly silent?: never };

async function answered<Good>(
  send: () => Promise<Sent<Good>>,
): Promise<Sent<Good> | { readonly silent: NoAnswer }> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof NoAnswer) return { silent: error };
    throw error;
  }
}

function silence(error: NoAnswer, { once = false }: CallOptions): Verdict {
  const unknown = once ? ", so nobody knows whether it was done" : "";
  return {
    transient: !once && !(error instanceof LongAnswer),
    code: "cluster_unavailable",
    reason: `the API server does not answer: ${error.message}${unknown}`,
  };
}
