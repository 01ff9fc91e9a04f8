import {
  type Clock,
  deadline,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  isRecord,
  type Recovery,
  type Schema,
  TransporterError,
} from "@transporter/sdk";
import type { PluginEntry } from "./entry.ts";
import { guarded } from "./guarded.ts";
import { Pool } from "./pool.ts";
import type { PluginProcess } from "./process.ts";
import type { Facts } from "./protocol.ts";
import { PluginSecrets } from "./secrets.ts";
import { type IsolationOptions, startProcess } from "./start.ts";

/** Milliseconds for what an agent asks before an event runs, which is pure. */
const FACTS_MS = 3000;

/** For what nobody gives up. */
const NEVER = new AbortController().signal;

/** A plan, which stays in the process that made it: that is the event's until it ends. */
class Held {
  readonly process: PluginProcess;
  readonly #pool: Pool;
  /** Whether it has the result, too. */
  applied = false;
  #busy = false;
  #free = false;

  constructor(process: PluginProcess, pool: Pool, signal: AbortSignal) {
    this.process = process;
    this.#pool = pool;
    // Between two phases nobody else tells that there is no next one.
    signal.addEventListener("abort", () => this.#busy || this.free(), {
      once: true,
    });
  }

  /** Makes a call in a phase. */
  async call(
    name: "validate" | "apply" | "verify",
    context: ExecutorContext,
    payload?: unknown,
  ): Promise<unknown> {
    this.#busy = true;
    try {
      return await call(this.process, name, { payload, context });
    } catch (reason) {
      this.free({ sound: !context.signal.aborted });
      throw reason;
    } finally {
      this.#busy = false;
      // What was broken off may still be at work: nobody gets that process.
      if (context.signal.aborted) this.free({ sound: false });
    }
  }

  /** Gives the process back, once; one that is not sound ends. */
  free({ sound = true }: { readonly sound?: boolean } = {}): void {
    if (!this.#free) this.#pool.release(this.process, { sound });
    this.#free = true;
  }
}

/**
 * Runs a plugin in processes of its own: one for each event that runs. What it
 * does to its process is the end of that event and of nothing else.
 *
 * @param entry Which, and what it may touch.
 * @param options What it is run with.
 * @returns Its executor.
 * @throws {TransporterError} `usage` for modules that cannot be loaded or have no plugin, and for a
 * config that does not fit; `denied` for another hash, and for files outside its folder;
 * `unsupported_version`; `plugin_failed`; what the plugin's `open` throws.
 */
export async function openIsolated(
  entry: PluginEntry,
  options: IsolationOptions,
): Promise<Executor> {
  const { clock, rng, tools, log } = options;
  const secrets = await PluginSecrets.open(entry, tools.env);
  const start = () => startProcess(entry, options, secrets);
  const pool = new Pool({ start, clock, rng });
  const first = await pool.take(NEVER).catch((reason) => {
    throw secrets.error(reason);
  });
  const info = await first.info;
  pool.release(first);
  if (info.acknowledged) {
    log.warn(
      "A plugin that runs isolated is not told that ends are acknowledged",
      { plugin: entry.name },
    );
  }
  const isolated = new Isolated(info.type, pool, clock);
  const executor = defineExecutor<unknown, Held, unknown>({
    type: info.type,
    version: info.version,
    schema: isolated.schema,
    validate: (payload, context) => isolated.validate(payload, context),
    apply: (held, context) => isolated.apply(held, context),
    verify: (held, result, context) => isolated.verify(held, result, context),
    keys: (payload) => isolated.known(payload).keys,
    repeatable: (payload) => isolated.known(payload).repeatable,
    standing: (payload) => isolated.known(payload).standing,
    recover: (payload, context) => isolated.recover(payload, context),
    close: () => pool[Symbol.asyncDispose](),
  });
  return guarded(executor, secrets);
}

/** What an agent asks of a plugin, asked of its processes. */
class Isolated {
  readonly #type: string;
  readonly schema: Schema<unknown>;
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #asked = new WeakMap<object, Promise<Facts>>();
  #last: Promise<unknown> = Promise.resolve();
  readonly #facts = new WeakMap<object, Facts>();

  constructor(type: string, pool: Pool, clock: Clock) {
    this.#type = type;
    this.#pool = pool;
    this.#clock = clock;
    const validate = async (value: unknown) => {
      if (!isRecord(value)) return { issues: [{ message: "not an object" }] };
      const { issues } = await this.#factsOf(value);
      return issues === undefined
        ? { value }
        : { issues: issues.map((message) => ({ message: String(message) })) };
    };
    this.schema = {
      "~standard": { version: 1, vendor: "transporter", validate },
    };
  }

  /** Asked once a payload: what failed is not asked again, so that no event runs without its keys. */
  #factsOf(payload: Record<string, unknown>): Promise<Facts> {
    const known = this.#asked.get(payload);
    if (known !== undefined) return known;
    // One after the other: what hangs would take a process for each payload that comes behind it.
    const asked = this.#last.then(() => this.#ask(payload));
    this.#last = asked.catch(() => {});
    this.#asked.set(payload, asked);
    return asked;
  }

  async #ask(payload: Record<string, unknown>): Promise<Facts> {
    const process = await this.#pool.take(NEVER, { hurried: true });
    using limit = deadline(this.#clock, FACTS_MS, {
      reason: new TransporterError(
        "plugin_failed",
        `Events of type "${this.#type}" cannot run as their plugin did not say within ${
          FACTS_MS / 1000
        }s what a payload touches`,
      ),
    });
    const { signal } = limit;
    try {
      const facts = readFacts(await process.call("facts", { payload, signal }));
      this.#facts.set(payload, facts);
      return facts;
    } catch (reason) {
      throw signal.aborted ? signal.reason : reason;
    } finally {
      this.#pool.release(process);
    }
  }

  /** What was said of a payload that the schema let pass. */
  known(payload: unknown): Facts {
    const facts = isRecord(payload) ? this.#facts.get(payload) : undefined;
    if (facts === undefined) throw new Error("The payload was not looked at");
    return facts;
  }

  async validate(payload: unknown, context: ExecutorContext): Promise<Held> {
    const { signal } = context;
    const held = new Held(await this.#pool.take(signal), this.#pool, signal);
    await held.call("validate", context, payload);
    return held;
  }

  async apply(held: Held, context: ExecutorContext): Promise<unknown> {
    try {
      const result = await held.call("apply", context);
      held.applied = true;
      return result;
    } catch (reason) {
      const { failure } = held.process;
      if (failure === undefined || reason !== failure) throw reason;
      // Nobody can tell how far it came.
      const { message } = failure;
      throw new TransporterError("interrupted", message, { cause: reason });
    }
  }

  async verify(
    held: Held,
    result: unknown,
    context: ExecutorContext,
  ): Promise<unknown> {
    // What was applied here is there; what an earlier process applied is not.
    const given = held.applied ? undefined : result;
    const last = await held.call("verify", context, given);
    held.free();
    return last ?? undefined;
  }

  async recover(
    payload: unknown,
    context: ExecutorContext,
  ): Promise<Recovery<unknown>> {
    const process = await this.#pool.take(context.signal);
    try {
      const found = await call(process, "recover", { payload, context });
      if (!isRecord(found)) return { kind: "lost" };
      const { kind, error, result } = found;
      if (kind === "failed" && isRecord(error)) {
        const { code, message } = error;
        const body = { code: String(code), message: String(message) };
        return {
          kind,
          error: TransporterError.fromBody(body).toJSON(),
          ...(result === undefined ? {} : { result }),
        };
      }
      return kind === "done" ? { kind, result } : { kind: "lost" };
    } finally {
      this.#pool.release(process);
    }
  }
}

/** A call of an attempt: an abort that the plugin does not obey ends it with the abort's reason. */
async function call(
  process: PluginProcess,
  name: "validate" | "apply" | "verify" | "recover",
  { payload, context }: {
    readonly payload?: unknown;
    readonly context: ExecutorContext;
  },
): Promise<unknown> {
  const { signal } = context;
  try {
    return await process.call(name, { payload, context, signal });
  } catch (reason) {
    throw signal.aborted && reason === process.failure ? signal.reason : reason;
  }
}

function readFacts(value: unknown): Facts {
  if (
    isRecord(value) && Array.isArray(value["keys"]) &&
    value["keys"].every((key) => typeof key === "string") &&
    typeof value["repeatable"] === "boolean" &&
    typeof value["standing"] === "boolean" &&
    (value["issues"] === undefined || Array.isArray(value["issues"]))
  ) {
    return value as unknown as Facts;
  }
  throw new TransporterError(
    "plugin_failed",
    "Cannot understand what the plugin says of a payload",
  );
}
