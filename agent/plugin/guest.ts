/**
 * The other end: what runs in the process of an isolated plugin, beside it.
 *
 * @module
 */
import {
  type Executor,
  type ExecutorContext,
  type Logger,
  type LogLevel,
  type OutputStream,
  parse,
  type Plugin,
  type PluginContext,
  readPlugin,
  readPluginConfig,
  TransporterError,
} from "@transporter/sdk";
import { Answers } from "./answers.ts";
import { toJson } from "./json.ts";
import { Lines } from "./lines.ts";
import { Reports } from "./reports.ts";
import {
  type Down,
  type Facts,
  MESSAGE_CHARS_MAX,
  PROTOCOL,
  type Up,
} from "./protocol.ts";

/** The standard streams, taken before a plugin can put others in their place. */
const { stdin, stdout } = Deno;
const encoder = new TextEncoder();

/** One attempt at one event: what its phases hand from one to the next. */
interface Run {
  readonly plan: unknown;
  result?: unknown;
}

class Guest {
  readonly #executor: Executor;
  readonly #send: (message: Up) => void;
  readonly #aborts = new Map<number, AbortController>();
  readonly #reports = new Reports();
  #run: Run | undefined;

  constructor(executor: Executor, send: (message: Up) => void) {
    this.#executor = executor;
    this.#send = send;
  }

  take(message: Down): void {
    switch (message.t) {
      case "call":
        this.#answer(message);
        return;
      case "abort": {
        const { code, message: text } = message.reason;
        this.#aborts.get(message.id)?.abort(
          TransporterError.fromBody({ code, message: text }),
        );
        return;
      }
      case "reported":
        return this.#reports.recorded(message.n);
      default:
        return;
    }
  }

  async #answer(call: Extract<Down, { t: "call" }>): Promise<void> {
    const { id } = call;
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    try {
      const value = await this.#do(call, abort.signal) ?? null;
      this.#send({ t: "done", id, value });
    } catch (reason) {
      this.#send({ t: "failed", id, error: bodyOf(reason) });
    } finally {
      this.#aborts.delete(id);
    }
  }

  async #do(
    { call, payload, context }: Extract<Down, { t: "call" }>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const executor = this.#executor;
    if (call === "facts") return await factsOf(executor, payload);
    const lent = this.#lend(context, signal);
    if (call === "recover") {
      return await executor.recover(
        await parse(executor.schema, payload),
        lent,
      );
    }
    if (call === "validate") {
      const parsed = await parse(executor.schema, payload);
      this.#run = { plan: await executor.validate(parsed, lent) };
      return;
    }
    const run = this.#run;
    if (run === undefined) throw new Error("Nothing was validated");
    if (call === "apply") {
      return run.result = await executor.apply(run.plan, lent);
    }
    const { plan, result = payload } = run;
    return await executor.verify(plan, result, lent);
  }

  #lend(
    context: Extract<Down, { t: "call" }>["context"],
    signal: AbortSignal,
  ): ExecutorContext {
    if (context === undefined) throw new Error("No context came");
    return {
      ...context,
      signal,
      log: loggerTo(this.#send),
      report: (message, details) =>
        this.#reports.say((n) =>
          this.#send({
            t: "report",
            n,
            message: String(message),
            ...(details === undefined ? {} : { details }),
          })
        ),
      output: (stream: OutputStream, text: string) =>
        this.#send({ t: "output", stream, text: String(text) }),
    };
  }
}

async function factsOf(executor: Executor, payload: unknown): Promise<Facts> {
  let parsed: unknown;
  try {
    parsed = await parse(executor.schema, payload);
  } catch (reason) {
    const { code, details } = TransporterError.from(reason);
    const issues = details?.["issues"];
    if (code !== "invalid" || !Array.isArray(issues)) throw reason;
    return { issues, keys: [], repeatable: false, standing: false };
  }
  return {
    keys: executor.keys(parsed),
    repeatable: executor.repeatable(parsed),
    standing: executor.standing(parsed),
  };
}

function bodyOf(reason: unknown) {
  const body = TransporterError.from(reason).toJSON();
  try {
    JSON.stringify(body);
    return body;
  } catch {
    return { code: body.code, message: body.message };
  }
}

function loggerTo(send: (message: Up) => void): Logger {
  function at(level: LogLevel, bound: Readonly<Record<string, unknown>>) {
    return (message: string, fields = {}) =>
      send({ t: "log", level, message, fields: { ...bound, ...fields } });
  }
  const bind = (bound: Readonly<Record<string, unknown>>): Logger => ({
    debug: at("debug", bound),
    info: at("info", bound),
    warn: at("warn", bound),
    error: at("error", bound),
    with: (fields) => bind({ ...bound, ...fields }),
  });
  return bind({});
}

/** Errors as fields of a line: an `Error` has no JSON of its own. */
function plain(_: string, value: unknown): unknown {
  return value instanceof Error && !("toJSON" in value)
    ? { name: value.name, message: value.message }
    : value;
}

/** Writes whole messages: what the plugin prints cannot come in between. */
function sender(mark: string): (message: Up) => void {
  return (message) => {
    const json = toJson(message, plain);
    if (json.length > MESSAGE_CHARS_MAX) {
      throw new TransporterError(
        "too_large",
        `Cannot pass on ${json.length} characters: a message of a plugin has ${MESSAGE_CHARS_MAX} at most`,
      );
    }
    let bytes = encoder.encode(`${mark}${json}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(stdout.writeSync(bytes));
  };
}

async function* messages(): AsyncGenerator<Down> {
  const ready: Down[] = [];
  const lines = new Lines(
    2 * MESSAGE_CHARS_MAX,
    (line) => ready.push(JSON.parse(line)),
  );
  // Without the machinery of its stream, which costs more than what comes.
  const buffer = new Uint8Array(65_536);
  for (let n = await stdin.read(buffer); n; n = await stdin.read(buffer)) {
    lines.push(buffer.subarray(0, n));
    yield* ready.splice(0);
  }
}

/**
 * Serves a plugin to the agent that started this process, until it closes the
 * pipe or ends.
 *
 * @param module The module of the plugin.
 */
export async function serve(module: unknown): Promise<never> {
  let guest: Guest | undefined;
  let executor: Executor | undefined;
  const secrets = new Answers<string>();
  async function begin(message: Open): Promise<void> {
    const send = sender(message.mark);
    try {
      const plugin = pluginOf(module, message);
      if (message.what === "describe") {
        const { type, version = "" } = plugin;
        return send({ t: "opened", type, version });
      }
      executor = await open(plugin, message, {
        signal: new AbortController().signal,
        log: loggerTo(send),
        secret: (name) =>
          secrets.ask((n) => send({ t: "secret", n, name: String(name) })),
      });
      guest = new Guest(executor, send);
      const { info: { type, version }, acknowledged } = executor;
      send({
        t: "opened",
        type,
        version,
        acknowledged: acknowledged !== undefined,
      });
    } catch (reason) {
      send({ t: "refused", error: bodyOf(reason) });
    }
  }
  for await (const message of messages()) {
    if (message.t === "close") break;
    if (message.t === "open") begin(message); // it may ask, and is answered meanwhile
    else if (message.t === "secret") {
      secrets.take(message.n, message.value ?? "", message.error);
    } else guest?.take(message);
  }
  await executor?.[Symbol.asyncDispose]();
  Deno.exit(0);
}

type Open = Extract<Down, { t: "open" }>;

function pluginOf(module: unknown, { protocol, name }: Open): Plugin {
  if (protocol === PROTOCOL) return readPlugin(module, name);
  throw new TransporterError(
    "unsupported_version",
    `Cannot serve the plugin "${name}" to an agent that speaks version ${protocol} of the protocol: this end speaks ${PROTOCOL}`,
  );
}

async function open(
  plugin: Plugin,
  { name, config }: Open,
  context: PluginContext,
): Promise<Executor> {
  return await plugin.open(
    await readPluginConfig(plugin, config, `the plugin "${name}"`),
    context,
  );
}
