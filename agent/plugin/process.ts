import {
  type Clock,
  deadline,
  type ErrorBody,
  type ExecutorContext,
  IN_TIME,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import { Asked } from "./asked.ts";
import { Pipe } from "./pipe.ts";
import {
  type CallName,
  type Down,
  PROTOCOL,
  readUp,
  type Up,
} from "./protocol.ts";
import type { PluginSecrets } from "./secrets.ts";

/** What {@linkcode PluginProcess.start} needs. */
export interface PluginProcessOptions {
  /** What the plugin is called in messages. */
  readonly name: string;
  /** The command line. */
  readonly command: readonly [command: string, ...args: string[]];
  /** Its environment, whole. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it is opened, or only says what it serves. */
  readonly what: "open" | "describe";
  /** The plugin's config. */
  readonly config: unknown;
  /** What it is lent. */
  readonly secrets: PluginSecrets | undefined;
  /** Stands before each message up: nobody knows it before. */
  readonly mark: string;
  /** Milliseconds from an abort to the kill. */
  readonly graceMs: number;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For what it writes while no event runs. */
  readonly log: Logger;
}

/** What a call says besides its name. */
export interface CallOptions {
  /** The payload, for the calls that need it. */
  readonly payload?: unknown;
  /** The attempt; absent for `facts`. */
  readonly context?: ExecutorContext;
  /** Gives the call up. */
  readonly signal: AbortSignal;
}

/** What a plugin says of itself. */
type Opened = Omit<Extract<Up, { t: "opened" }>, "t">;

/** The call that goes on. */
interface Call {
  readonly id: number;
  readonly context: ExecutorContext | undefined;
  readonly answer: PromiseWithResolvers<unknown>;
}

/** Milliseconds that a plugin may take to open. */
export const OPEN_MS = 10_000;

/** Characters that are logged of a line that it prints while no event runs. */
const LINE_CHARS_MAX = 2000;

/** Lines that are logged for one call, and between two. */
const LOG_LINES_MAX = 1000;

/**
 * The process of an isolated plugin. One event has it for itself, so that
 * whatever the plugin does to the process it does to that event.
 */
export class PluginProcess implements AsyncDisposable {
  readonly #options: PluginProcessOptions;
  readonly #pipe: Pipe;
  readonly #opened = Promise.withResolvers<Opened>();
  readonly #ended: Promise<void>;
  #call: Call | undefined;
  #calls = 0;
  readonly #asked: Asked;
  #lines = 0;
  #failure: TransporterError | undefined;

  /**
   * Starts one, and waits until its plugin is open.
   *
   * @throws {TransporterError} `plugin_failed`; what the plugin was refused for.
   */
  static async start(options: PluginProcessOptions): Promise<PluginProcess> {
    const process = new PluginProcess(options);
    using limit = deadline(options.clock, OPEN_MS, {
      reason: process.#gone(`was not open after ${OPEN_MS / 1000}s`),
    });
    const late = () => process.#fail(limit.signal.reason);
    limit.signal.addEventListener("abort", late, { once: true });
    try {
      await process.#opened.promise;
      return process;
    } catch (reason) {
      process.#pipe.kill();
      await process.#ended;
      throw reason;
    }
  }

  /** Made by {@linkcode PluginProcess.start}. */
  private constructor(options: PluginProcessOptions) {
    const { command, env, clock, mark, name, what, config, secrets } = options;
    this.#options = options;
    this.#asked = new Asked({
      secrets,
      send: (message) => this.#send(message),
      flooded: (how) => this.#fail(this.#gone(how)),
    });
    this.#opened.promise.catch(() => {});
    this.#pipe = new Pipe({
      command,
      env,
      clock,
      line: (stream, line) => this.#takeLine(stream, line),
      flooded: () => this.#fail(this.#gone("said more than anybody can read")),
    });
    this.#ended = this.#pipe.ended.then((how) => this.#fail(this.#gone(how)));
    this.#send({ t: "open", protocol: PROTOCOL, mark, name, what, config });
  }

  /** What it serves: the type of its events, and its version. */
  get info(): Promise<Opened> {
    return this.#opened.promise;
  }

  /** Why it is of no use any more. */
  get failure(): TransporterError | undefined {
    return this.#failure;
  }

  /**
   * Asks the plugin. One call at a time.
   *
   * @throws What the plugin threw; {@linkcode PluginProcess.failure} when the process is over,
   * also because it was killed for not obeying an abort.
   */
  async call(name: CallName, options: CallOptions): Promise<unknown> {
    const { payload, context, signal } = options;
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    const id = ++this.#calls;
    this.#lines = 0;
    const answer = Promise.withResolvers<unknown>();
    const answered = new AbortController();
    this.#call = { id, context, answer };
    const abort = () => this.#abort(id, signal.reason, answered.signal);
    signal.addEventListener("abort", abort, { once: true });
    this.#send({
      t: "call",
      id,
      call: name,
      ...(payload === undefined ? {} : { payload }),
      ...(context === undefined ? {} : { context: contextOf(context) }),
    });
    try {
      return await answer.promise;
    } finally {
      signal.removeEventListener("abort", abort);
      answered.abort(IN_TIME);
      this.#call = undefined;
    }
  }

  /** Tells the plugin, and kills it when it does not answer in time. */
  #abort(id: number, reason: unknown, answered: AbortSignal): void {
    const { clock } = this.#options;
    // What is pure has nothing to put in order.
    const graceMs = this.#call?.context === undefined
      ? 0
      : this.#options.graceMs;
    const { code, message } = TransporterError.from(reason);
    this.#send({ t: "abort", id, reason: { code, message } });
    const what = `did not end within ${graceMs / 1000}s of an abort`;
    clock.sleep(graceMs, { signal: answered })
      .then(() => this.#fail(this.#gone(what)), () => {});
  }

  #send(message: Down): void {
    this.#pipe.send(JSON.stringify(message));
  }

  #takeLine(stream: "stdout" | "stderr", line: string): void {
    if (this.#failure !== undefined) return;
    const { mark } = this.#options;
    const at = stream === "stdout" ? line.indexOf(mark) : -1;
    if (at !== 0) this.#wrote(stream, at === -1 ? line : line.slice(0, at));
    if (at === -1) return;
    try {
      this.#take(readUp(line.slice(at + mark.length)));
    } catch (reason) {
      this.#fail(TransporterError.from(reason));
    }
  }

  /** What a plugin prints is output of the event that it runs. */
  #wrote(stream: "stdout" | "stderr", line: string): void {
    const context = this.#call?.context;
    if (context !== undefined) {
      this.#asked.inOrder(() => context.output(stream, `${line}\n`));
    } else {
      const fields = { line: line.slice(0, LINE_CHARS_MAX) };
      // Such as the stack of what it ended with, of which its failure says the first line.
      this.#log({ level: "debug", message: "Plugin wrote", fields });
    }
  }

  #log(
    { level, message, fields }: Omit<Extract<Up, { t: "log" }>, "t">,
  ): void {
    const log = this.#call?.context?.log ?? this.#options.log;
    this.#lines++;
    if (this.#lines < LOG_LINES_MAX) log[level](message, fields);
    if (this.#lines === LOG_LINES_MAX) {
      log.warn("Plugin logs too much: what follows is left out");
    }
  }

  #take(message: Up): void {
    switch (message.t) {
      case "opened":
        return this.#opened.resolve(message);
      case "refused":
        return this.#opened.reject(errorOf(message.error));
      case "report":
        return this.#asked.report(message, this.#call?.context);
      case "secret":
        return this.#asked.secret(message);
      case "output": {
        const { stream, text } = message;
        const context = this.#call?.context;
        return this.#asked.inOrder(() => context?.output(stream, text));
      }
      case "log":
        return this.#asked.inOrder(() => this.#log(message));
      default:
        if (this.#call?.id !== message.id) return; // nobody waits for it
    }
    const { resolve, reject } = this.#call.answer;
    const done = this.#asked.done();
    if (message.t === "done") done.then(() => resolve(message.value), reject);
    else done.catch(() => {}).then(() => reject(errorOf(message.error)));
  }

  #gone(how: string): TransporterError {
    return new TransporterError(
      "plugin_failed",
      `The plugin "${this.#options.name}" ${how}`,
    );
  }

  /** It is of no use any more. */
  #fail(error: TransporterError): void {
    const failure = this.#failure ??= error;
    const call = this.#call;
    this.#opened.reject(failure);
    // What it reported before comes before the end of its event.
    this.#asked.done().catch(() => {}).then(() => call?.answer.reject(failure));
    this.#pipe.kill();
  }

  /** Has it end, by force if it does not want to. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, graceMs } = this.#options;
    if (this.#failure === undefined) this.#send({ t: "close" });
    const ended = new AbortController();
    clock.sleep(graceMs, { signal: ended.signal })
      .then(() => this.#pipe.kill(), () => {});
    await this.#ended;
    ended.abort(IN_TIME);
  }
}

function errorOf({ code, message, details }: ErrorBody): TransporterError {
  const { code: known } = TransporterError.fromBody({ code, message });
  const options = details === undefined ? {} : { details };
  return new TransporterError(known, message, options);
}

function contextOf(
  { idempotencyKey, createdAt, attempt, deadline, again = false }:
    ExecutorContext,
) {
  return { idempotencyKey, createdAt, attempt, deadline, again };
}
