import { TransporterError } from "@transporter/sdk";
import type { Process } from "./machine.ts";
import { type Listener, type Medium, passes, REFUSED_MS } from "./medium.ts";
import { timersOf } from "./timers.ts";

/** Milliseconds after which what did not get through is sent again, as TCP does. */
const AGAIN_MS = 500;

/** How often that is done: then whoever waits has given up. */
const TRIES_MAX = 60;

/** Milliseconds after which somebody on the way repeats a request, on average. */
const REPEATED_MS = 1_000;

/** What a request is made of. */
export interface FlightOptions {
  readonly medium: Medium;
  /** All that are on their way; it adds itself. */
  readonly flights: Set<Flight>;
  readonly client: Process;
  readonly host: string;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Does what a request asks for; the signal says that whoever asked has gone. */
export type Serve<T> = (
  listener: Listener,
  gone: AbortSignal,
) => T;

/** A request and its answer, on a connection of their own. */
export class Flight {
  readonly client: Process;
  /** Who works on it; nobody while it is on its way. */
  server: Process | undefined;
  /** Whether its connection is cut, and one end may not know it yet. */
  isCut = false;
  /** Lets go on what was held up of its answer. */
  move: () => void = () => {};
  readonly #options: FlightOptions;
  readonly #gone = new AbortController();
  readonly #over = Promise.withResolvers<unknown>();
  #isOver = false;
  #stopWaiting = () => {};

  /** Makes one that has not left. */
  constructor(options: FlightOptions) {
    this.#options = options;
    this.client = options.client;
    this.#over.promise.catch(() => {}); // a stream may look later
  }

  /** Sends it; resolves with what the answer brings. */
  ask(serve: Serve<Promise<unknown>>): Promise<unknown> {
    const { medium: { loop, random }, signal } = this.#options;
    this.depart((listener) => {
      const { lossy } = this.#options.medium;
      const isRepeated = random.chance(lossy);
      this.#answer(listener, serve);
      if (!isRepeated) return;
      loop.after(random.exponential(REPEATED_MS), "request again", () => {
        const { process } = listener;
        process.enter(
          "request again",
          () => void serve(listener, signal).catch(() => {}),
        ); // nobody waits for it
      });
    });
    return this.over;
  }

  /** What the client gets. */
  get over(): Promise<unknown> {
    return this.#over.promise;
  }

  /** Sets out; calls back in the process that takes it. */
  depart(arrived: (listener: Listener, gone: AbortSignal) => void): void {
    const { medium, flights, client, signal, timeoutMs } = this.#options;
    flights.add(this);
    const abort = () => this.fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) return abort();
    if (timeoutMs !== undefined) {
      this.#stopWaiting = timersOf(client).after(
        timeoutMs,
        () => this.fail(new TransporterError("timeout", "No answer came")),
      );
    }
    this.over.catch(() => {}).finally(() =>
      signal.removeEventListener("abort", abort)
    );
    client.ended(() => {
      if (this.#end()) this.#hangUp();
    });
    medium.loop.after(medium.delayMs(), "request", () => this.#arrive(arrived));
  }

  #arrive(
    arrived: (listener: Listener, gone: AbortSignal) => void,
    tries = 0,
  ): void {
    const { medium, client, host } = this.#options;
    const { loop, random, lossy } = medium;
    const listener = medium.listenerOf(host);
    const there = listener?.process;
    if (
      !client.machine.reachable ||
      (there !== undefined && !(there.machine.on && there.machine.reachable))
    ) {
      if (tries > TRIES_MAX) return;
      loop.after(AGAIN_MS, "request", () => this.#arrive(arrived, tries + 1));
      return;
    }
    if (listener === undefined || !listener.process.alive) {
      return this.breakAfter(REFUSED_MS + medium.delayMs());
    }
    if (random.chance(lossy)) return this.breakAfter(medium.delayMs());
    const { process } = listener;
    this.server = process;
    process.ended(() => {
      if (this.#isOver) return;
      if (process.machine.on) this.breakAfter(medium.delayMs());
      else this.isCut = true;
    });
    process.enter("request", () => arrived(listener, this.#gone.signal));
  }

  #answer(listener: Listener, serve: Serve<Promise<unknown>>): void {
    serve(listener, this.#gone.signal).then(
      (value) => this.#return(() => this.succeed(copyOf(value))),
      (reason) => this.#return(() => this.fail(told(reason))),
    );
  }

  /** Brings an answer back. */
  #return(arrive: () => void, tries = 0): void {
    const { medium, client } = this.#options;
    const { loop, random, lossy } = medium;
    loop.after(tries === 0 ? medium.delayMs() : AGAIN_MS, "answer", () => {
      if (this.isCut || this.server === undefined) return;
      if (!passes(client, this.server)) {
        return tries < TRIES_MAX ? this.#return(arrive, tries + 1) : undefined;
      }
      if (random.chance(lossy)) return this.breakAfter(medium.delayMs());
      client.enter("answer", arrive);
    });
  }

  /** Its connection is cut; each side hears of it after a time of its own, or never. */
  cut(clientMs: number, serverMs: number): void {
    this.isCut = true;
    if (clientMs < Infinity) this.breakAfter(clientMs);
    const { server } = this;
    if (server === undefined || serverMs === Infinity) return;
    server.after(serverMs, "gone", () => this.#gone.abort());
  }

  /** The client hears that its connection broke. */
  breakAfter(ms: number): void {
    this.client.after(ms, "broken", () =>
      this.fail(
        new TransporterError("unavailable", "The connection broke"),
      ));
  }

  /** There is an answer. */
  succeed(value: unknown): void {
    if (this.#end()) this.#over.resolve(value);
  }

  /** There will be none. */
  fail(reason: unknown): void {
    if (!this.#end()) return;
    this.#over.reject(reason);
    this.#hangUp();
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#stopWaiting();
    this.#options.flights.delete(this);
    return true;
  }

  /** The server hears that nobody waits any more, if its end of the connection is whole. */
  #hangUp(): void {
    const { server } = this;
    if (server === undefined || this.isCut || !this.client.machine.on) return;
    server.after(
      this.#options.medium.delayMs(),
      "gone",
      () => this.#gone.abort(),
    );
  }
}

/** What is left of a value that was sent as JSON. */
function copyOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** What an answer says of an error, as the client reads it. */
function told(reason: unknown): TransporterError {
  const { code, message, status } = TransporterError.from(reason);
  return new TransporterError(code, message, { details: { status } });
}
