import { TransporterError } from "./error.ts";
import {
  type AcknowledgedContext,
  defineExecutor,
  type ExecutorContext,
  type Plugin,
  type PluginContext,
  type Recovery,
} from "./executor.ts";
import { isRecord } from "./json.ts";
import { checkDefinition } from "./plugin_check.ts";
import { parse, type Schema, type SchemaIssue } from "./schema.ts";

/** The version of the interface between plugins and the programs that load them. */
export const PLUGIN_API = 1;

/** What `open` of {@linkcode definePlugin} gets. */
export interface PluginOpenContext extends PluginContext {
  /**
   * The value of a secret that the operator lends to the plugin, by its name. It
   * is taken out of whatever the plugin says of an event.
   *
   * @throws {TransporterError} `denied` for one that is not lent; `usage` for one that cannot be read now.
   */
  readonly secret: (name: string) => Promise<string>;
}

/** What an executor of {@linkcode definePlugin} works with: the attempt, and what its plugin opened. */
export interface PluginExecutorContext<Opened> extends ExecutorContext {
  /** See {@linkcode PluginOpenContext.secret}. */
  readonly secret: PluginOpenContext["secret"];
  /** What `open` resolved with. */
  readonly opened: Opened;
}

/** What {@linkcode definePlugin} needs; everything that may be left out has a safe default. */
export interface PluginDefinition<Config, Opened, Payload, Plan, Result> {
  /** The version of this interface that the plugin is written for: {@linkcode PLUGIN_API}. */
  readonly api: number;
  /** The event type it serves, such as `"greet"`. */
  readonly type: string;
  /** The version of the plugin, semver. */
  readonly version: string;
  /** The shape of the payload. */
  readonly payload: Schema<Payload>;
  /** The shape of the operator's config; by default it takes none. */
  readonly config?: Schema<Config>;
  /** Acquires what every event uses, such as a client; by default nothing. Disposed at the end, if it can be. */
  open?(config: Config, context: PluginOpenContext): Opened | Promise<Opened>;
  /** Refuses what the schema cannot: pure, without what `open` acquires. */
  check?(payload: Payload): void | Promise<void>;
  /** See `Executor.validate`; by default the payload is the plan. */
  validate?(
    payload: Payload,
    context: PluginExecutorContext<Opened>,
  ): Plan | Promise<Plan>;
  /** See `Executor.apply`. */
  apply(
    plan: Plan,
    context: PluginExecutorContext<Opened>,
  ): Result | Promise<Result>;
  /** See `Executor.verify`; by default what was applied is real. */
  verify?(
    plan: Plan,
    result: Result,
    context: PluginExecutorContext<Opened>,
  ): Result | void | Promise<Result | void>;
  /** See `Executor.keys`; by default `["*"]`: it runs alone. */
  keys?(payload: Payload): readonly string[];
  /** See `Executor.repeatable`; by default false: never run twice. */
  repeatable?(payload: Payload): boolean;
  /** See `Executor.standing`; by default false: all work comes to its end. */
  standing?(payload: Payload): boolean;
  /** See `Executor.recover`; by default work that was begun is lost. */
  recover?(
    payload: Payload,
    context: PluginExecutorContext<Opened>,
  ): Promise<Recovery<Result>>;
  /** See `Executor.acknowledged`; by default it is not told, and neither is a plugin in a process of its own. */
  acknowledged?(
    context:
      & AcknowledgedContext
      & Pick<PluginExecutorContext<Opened>, "opened" | "secret">,
  ): Promise<void>;
}

/** The config of a plugin that takes none. */
const NO_CONFIG: Schema<Readonly<Record<string, never>>> = {
  "~standard": {
    version: 1,
    vendor: "transporter",
    validate(value) {
      if (value === undefined) return { value: {} };
      if (!isRecord(value)) return { issues: [{ message: "not an object" }] };
      const [unknown] = Object.keys(value);
      if (unknown === undefined) return { value: {} };
      const message = "not known, as this plugin takes no config";
      return { issues: [{ message, path: [unknown] }] };
    },
  },
};

/**
 * Makes a plugin: an event type of your own. A module that exports one as its
 * default can be loaded by `transporter agent --plugin`.
 *
 * @param definition What it does.
 * @returns The plugin.
 *
 * @example An event type in ten lines
 * ```ts
 * import { definePlugin, isRecord, type Schema } from "@transporter/sdk";
 * import { rejects } from "node:assert/strict";
 *
 * const payload: Schema<{ name: string }> = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "example",
 *     validate: (value) =>
 *       isRecord(value) && typeof value["name"] === "string"
 *         ? { value: { name: value["name"] } }
 *         : { issues: [{ message: "must be a text", path: ["name"] }] },
 *   },
 * };
 * const greet = definePlugin({
 *   api: 1,
 *   type: "greet",
 *   version: "1.0.0",
 *   payload,
 *   apply: ({ name }) => ({ greeting: `Hello, ${name}` }),
 * });
 * await rejects(greet.kind.check({ name: 7 }), { code: "invalid" });
 * ```
 */
export function definePlugin<
  Payload,
  Result,
  Plan = Payload,
  Config = Readonly<Record<string, never>>,
  Opened = undefined,
>(
  definition: PluginDefinition<Config, Opened, Payload, Plan, Result>,
): Plugin<Config> {
  const { api, type, version, payload: schema } = definition;
  return {
    api,
    type,
    version,
    config: definition.config ?? NO_CONFIG as Schema<unknown> as Schema<Config>,
    kind: {
      type,
      async check(payload) {
        const parsed = await parse(schema, payload);
        await definition.check?.(parsed);
      },
      repeatable: (payload) =>
        definition.repeatable?.(payload as Payload) ?? false,
    },
    async open(config, context) {
      checkDefinition(definition);
      const { secret = noSecret } = context;
      const opened = await definition.open?.(
        config,
        { ...context, secret },
      ) as Opened;
      const lend = <To>(to: To) => ({ ...to, opened, secret });
      const { keys, repeatable, standing, recover, acknowledged } = definition;
      return defineExecutor<Payload, Plan, Result>({
        type,
        version,
        schema,
        async validate(payload, to) {
          await definition.check?.(payload);
          return definition.validate === undefined
            ? payload as unknown as Plan
            : await definition.validate(payload, lend(to));
        },
        apply: async (plan, to) => await definition.apply(plan, lend(to)),
        verify: async (plan, result, to) =>
          await definition.verify?.(plan, result, lend(to)),
        ...(keys && { keys: (payload) => keys.call(definition, payload) }),
        ...(repeatable &&
          { repeatable: (payload) => repeatable.call(definition, payload) }),
        ...(standing &&
          { standing: (payload) => standing.call(definition, payload) }),
        ...(recover &&
          {
            recover: (payload, to) =>
              recover.call(definition, payload, lend(to)),
          }),
        ...(acknowledged && {
          acknowledged: (to) => acknowledged.call(definition, lend(to)),
        }),
        close: once(() => dispose(opened)),
      });
    },
  };
}

function noSecret(name: string): Promise<never> {
  return Promise.reject(
    new TransporterError(
      "denied",
      `Cannot lend the secret "${name}": none is lent to this plugin`,
    ),
  );
}

/** What a module of a plugin has to have. */
const WANTED =
  'it must be what "definePlugin" of @transporter/sdk returns, exported as default';

/**
 * Finds the plugin in a module, and refuses one of another interface.
 *
 * @param module What was imported.
 * @param name What it is called in a refusal.
 * @returns The plugin.
 * @throws {TransporterError} `usage` for a module without a plugin; `unsupported_version` for
 * another version of the interface.
 */
export function readPlugin(module: unknown, name: string): Plugin {
  const found = isRecord(module) ? module["default"] : undefined;
  if (
    !isRecord(found) || typeof found["type"] !== "string" ||
    typeof found["open"] !== "function" || !isRecord(found["kind"]) ||
    !isRecord(found["config"])
  ) {
    throw new TransporterError(
      "usage",
      `Cannot use "${name}" as a plugin: ${WANTED}`,
    );
  }
  if (found["api"] !== PLUGIN_API) {
    throw new TransporterError(
      "unsupported_version",
      `Cannot use the plugin "${name}" as it is written for version ${
        JSON.stringify(found["api"]) ?? "none"
      } of the plugin interface: this program has version ${PLUGIN_API}`,
    );
  }
  if (!TYPE_REGEXP.test(found["type"])) {
    throw new TransporterError(
      "usage",
      `Cannot use the plugin "${name}" for the event type "${
        found["type"]
      }": a type is 1 to 64 of a-z, 0-9 and "_", and begins with a letter`,
    );
  }
  return found as unknown as Plugin;
}

/** What event types look like. */
const TYPE_REGEXP = /^[a-z][a-z0-9_]{0,63}$/;

/**
 * Checks the config of a plugin.
 *
 * @param plugin Whose.
 * @param config What the operator wrote; `undefined` is nothing.
 * @param where What stands before each path in a refusal, such as `plugin "greet"`.
 * @returns The config, as the plugin takes it.
 * @throws {TransporterError} `usage`, naming the path of everything that is wrong.
 */
export async function readPluginConfig(
  plugin: Plugin,
  config: unknown,
  where: string,
): Promise<unknown> {
  const result = await plugin.config["~standard"].validate(config ?? {});
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(issueText).join("; ");
  throw new TransporterError(
    "usage",
    `Cannot use the config of ${where}: ${issues}`,
  );
}

function issueText({ path = [], message }: SchemaIssue): string {
  const keys = path.map((part) =>
    String(typeof part === "object" ? part.key : part)
  );
  return `"${["config", ...keys].join(".")}": ${message}`;
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => closed ??= close();
}

async function dispose(opened: unknown): Promise<void> {
  if (typeof opened !== "object" || opened === null) return;
  if (Symbol.asyncDispose in opened) {
    await (opened as AsyncDisposable)[Symbol.asyncDispose]();
  } else if (Symbol.dispose in opened) {
    (opened as Disposable)[Symbol.dispose]();
  }
}
