import type { PluginEntry } from "@transporter/agent/plugin";
import type {
  CheckResult,
  PluginDesk,
  PluginRequest,
  PluginView,
} from "@transporter/cli";
import {
  abortable,
  deadline,
  type EventStatus,
  execute,
  type Executor,
  formatDuration,
  type Logger,
  readEvent,
  systemClock,
  systemRng,
  TransporterError,
  VERSION,
} from "@transporter/sdk";
import { join } from "node:path";
import { pluginTemplate, typeOf } from "./plugin_template.ts";
import { pluginTools } from "./plugin_tools.ts";
import { logTo, type Runtime } from "./runtime.ts";

/** Who runs an event that has no control plane. */
const LOCAL = "local";

/** What the commands for plugins do, in this process and on this machine. */
export function pluginDesk(runtime: Runtime): PluginDesk {
  return {
    create: (name) => create(name, runtime),
    list: (request) => list(request, runtime),
    run: (request, event, observer) =>
      run(request, { event, observer }, runtime),
    check: (request, options) => check(request, options, runtime),
  };
}

async function isolation({ env }: Runtime, log: Logger) {
  const tools = await pluginTools(env);
  return { tools, clock: systemClock, rng: systemRng, log };
}

async function entryOf(
  { spec, inProcess, config, allow, secrets }: PluginRequest,
): Promise<PluginEntry> {
  const { readEntry } = await import("@transporter/agent/plugin");
  const rest = inProcess ? {} : { allow };
  return readEntry({ spec, config, secrets, ...rest }, {
    flag: inProcess ? "plugin-in-process" : "plugin",
    cwd: Deno.cwd(),
  });
}

async function open(
  request: PluginRequest,
  runtime: Runtime,
): Promise<Executor> {
  const { openInProcess, openIsolated } = await import(
    "@transporter/agent/plugin"
  );
  const options = await isolation(runtime, logTo(runtime, "info"));
  const entry = await entryOf(request);
  return request.inProcess
    ? await openInProcess(entry, { ...options, signal: runtime.signal })
    : await openIsolated(entry, options);
}

async function create(
  name: string,
  { env }: Runtime,
): Promise<readonly string[]> {
  const { supplied } = await pluginTools(env);
  const { standard } = await import("@transporter/plugins");
  const type = typeOf(name);
  if (standard.some((plugin) => plugin.type === type)) {
    throw new TransporterError(
      "usage",
      `Cannot make a plugin for events of type "${type}": every agent has one`,
    );
  }
  try {
    await Deno.mkdir(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    throw new TransporterError(
      "usage",
      `Cannot make the folder "${name}": it is there already`,
      { cause },
    );
  }
  const files = Object.entries(pluginTemplate(name, supplied));
  for (const [file, text] of files) {
    await Deno.writeTextFile(join(name, file), text);
  }
  return files.map(([file]) => join(name, file));
}

async function list(
  { specs, file }: Parameters<PluginDesk["list"]>[0],
  runtime: Runtime,
): Promise<readonly PluginView[]> {
  const { config } = await import("@transporter/agent/config");
  const { standard } = await import("@transporter/plugins");
  const { describe, inspect, readEntry } = await import(
    "@transporter/agent/plugin"
  );
  const { values } = config.read({ file, env: runtime.env });
  const cwd = Deno.cwd();
  const named = [
    ...[...values.plugin, ...specs].map((each) =>
      [readEntry(each, { flag: "plugin", cwd }), "isolated"] as const
    ),
    ...values.pluginInProcess.map((each) =>
      [
        readEntry(each, { flag: "plugin-in-process", cwd }),
        "in process",
      ] as const
    ),
  ];
  const shipped = standard.map(({ type }): PluginView => ({
    plugin: "",
    type,
    version: VERSION,
    runs: "built in",
  }));
  if (named.length === 0) return shipped;
  const options = await isolation(runtime, logTo(runtime, "warn"));
  const views: PluginView[] = [];
  for (const [entry, runs] of named) {
    const { type, version } = await describe(entry, options);
    await using found = await inspect(entry, options);
    const { integrity, modules } = found;
    views.push({ plugin: entry.name, type, version, runs, modules, integrity });
  }
  return specs.length > 0 && file === undefined
    ? views
    : [...shipped, ...views];
}

async function run(
  request: PluginRequest,
  { event, observer }: {
    readonly event: Readonly<Record<string, unknown>>;
    readonly observer: Parameters<PluginDesk["run"]>[2];
  },
  runtime: Runtime,
): Promise<EventStatus> {
  await using executor = await open(request, runtime);
  const { type = executor.info.type } = event;
  if (type !== executor.info.type) {
    throw new TransporterError(
      "unsupported",
      `Cannot run an event of type "${type}" with a plugin for "${executor.info.type}"`,
    );
  }
  const now = systemClock.now();
  const spec = readEvent({ target_agent: LOCAL, ...event, type }, {
    api: "v2",
    now,
    principal: LOCAL,
    newId: () => LOCAL,
  });
  const limitMs = Math.min(spec.ttl, spec.timeout ?? Infinity) / 1e6;
  using limit = deadline(systemClock, limitMs, {
    signal: runtime.signal,
    reason: new TransporterError(
      "timeout",
      `The event did not end within ${formatDuration(limitMs * 1e6)}`,
    ),
  });
  return await execute(executor, spec, {
    agentId: LOCAL,
    attempt: 1,
    deadline: now + limitMs,
    signal: limit.signal,
    clock: systemClock,
    log: logTo(runtime, "info"),
    record(status) {
      observer.status(status);
      return Promise.resolve();
    },
    output: (stream, text) => observer.output(stream, text),
  });
}

async function* check(
  request: PluginRequest,
  { good, bad, timeoutMs }: Parameters<PluginDesk["check"]>[1],
  runtime: Runtime,
): AsyncGenerator<CheckResult> {
  // One that cannot be opened is refused once, and not by each case.
  await (await open(request, runtime))[Symbol.asyncDispose]();
  const { executorCases } = await import("@transporter/sdk/testing");
  const cases = executorCases(request.spec, {
    open: () => open(request, runtime),
    payload: () => ({ ...good }),
    badPayloads: bad,
  });
  let isOver = false;
  for (const { title, run } of cases) {
    if (isOver) {
      yield {
        title,
        error: "It was not tried, as the plugin is still at work",
      };
      continue;
    }
    using limit = deadline(systemClock, timeoutMs, {
      signal: runtime.signal,
      reason: new TransporterError(
        "timeout",
        `It was not over after ${formatDuration(timeoutMs * 1e6)}`,
      ),
    });
    try {
      await abortable(run(), limit.signal);
      yield { title };
    } catch (error) {
      runtime.signal.throwIfAborted();
      isOver = limit.signal.aborted;
      yield {
        title,
        error: error instanceof Error ? error.message : String(error),
      };
    }
  }
}
