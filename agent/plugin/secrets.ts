import {
  type LogFields,
  type Logger,
  Redactor,
  redactValue,
  TransporterError,
} from "@transporter/sdk";
import { readSecretFile } from "./deno.ts";
import type { PluginEntry, SecretSource } from "./entry.ts";

/** Characters of a secret: a shorter one could not be told from other text. */
const CHARS_MIN = 4;

/** Values of one secret that are known at the same time: files change. */
const VALUES_MAX = 8;

/**
 * The secrets that an operator lends to a plugin: asked for by name, and taken
 * by their values out of all that the plugin says afterwards.
 */
export class PluginSecrets {
  readonly #name: string;
  readonly #sources: PluginEntry["secrets"];
  readonly #env: Readonly<Record<string, string>>;
  readonly #values = new Map<string, readonly string[]>();
  #version = 0;

  /**
   * Reads each of them once, so that what is not there is known at the start.
   *
   * @param entry Whose.
   * @param env The environment of the agent.
   * @throws {TransporterError} `usage` for the first one that cannot be had.
   */
  static async open(
    entry: PluginEntry,
    env: Readonly<Record<string, string>>,
  ): Promise<PluginSecrets> {
    const secrets = new PluginSecrets(entry, env);
    for (const name of Object.keys(entry.secrets)) await secrets.get(name);
    return secrets;
  }

  private constructor(
    { name, secrets }: PluginEntry,
    env: Readonly<Record<string, string>>,
  ) {
    this.#name = name;
    this.#sources = secrets;
    this.#env = env;
  }

  /**
   * The value of a secret as it is now: files are read again.
   *
   * @throws {TransporterError} `denied` for one that the plugin was not lent; `usage` for one that cannot be had.
   */
  async get(name: string): Promise<string> {
    const source = Object.hasOwn(this.#sources, name)
      ? this.#sources[name]
      : undefined;
    if (source === undefined) {
      const lent = Object.keys(this.#sources).map((each) => `"${each}"`);
      throw new TransporterError(
        "denied",
        `Cannot lend the secret "${name}" to the plugin "${this.#name}": its operator lends it ${
          lent.join(", ") || "none"
        }`,
      );
    }
    const value = await this.#read(name, source);
    if (value.length < CHARS_MIN) {
      throw this.#cannot(
        name,
        `it has fewer than ${CHARS_MIN} characters, and could not be told from other text`,
      );
    }
    const values = this.#values.get(name) ?? [];
    if (!values.includes(value)) {
      this.#values.set(name, [value, ...values].slice(0, VALUES_MAX));
      this.#version++;
    }
    return value;
  }

  async #read(name: string, { from, at }: SecretSource): Promise<string> {
    if (from === "env") {
      const value = this.#env[at];
      if (value !== undefined) return value;
      throw this.#cannot(name, `the variable ${at} is not set`);
    }
    const found = await readSecretFile(at);
    if ("why" in found) throw this.#cannot(name, found.why);
    // Editors end a file with a line break that is no part of the secret.
    return found.text.replace(/\r?\n$/, "");
  }

  #cannot(name: string, why: string): TransporterError {
    return new TransporterError(
      "usage",
      `Cannot read the secret "${name}" of the plugin "${this.#name}": ${why}`,
    );
  }

  get #known(): readonly string[] {
    return [...this.#values.values()].flat();
  }

  /** Whether there are any. */
  get any(): boolean {
    return Object.keys(this.#sources).length > 0;
  }

  /** Another one when a value came. */
  get version(): number {
    return this.#version;
  }

  /** Takes them out of a text that comes in pieces, those that are known now. */
  redactor(): Redactor {
    return new Redactor(this.#known);
  }

  /** Takes them out of a value of JSON; one without any is returned as it is. */
  redact<Value>(value: Value): Value {
    return redactValue(value, this.#known) as Value;
  }

  /** Takes them out of an error; one without any is returned as it is. */
  error(reason: unknown): unknown {
    const { code, message, details } = TransporterError.from(reason);
    const said = this.redact({ message, details });
    if (said.message === message && said.details === details) return reason;
    // Its cause would say them once more.
    return new TransporterError(
      code,
      said.message,
      said.details === undefined ? {} : { details: said.details },
    );
  }

  /** A logger that says none of them. */
  logger(log: Logger): Logger {
    const redact = (message: string, fields: LogFields = {}) =>
      [this.redact(message), this.redact(fields)] as const;
    return {
      debug: (...said) => log.debug(...redact(...said)),
      info: (...said) => log.info(...redact(...said)),
      warn: (...said) => log.warn(...redact(...said)),
      error: (...said) => log.error(...redact(...said)),
      with: (fields) => this.logger(log.with(this.redact(fields))),
    };
  }
}
