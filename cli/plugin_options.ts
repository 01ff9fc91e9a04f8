import { isRecord, TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Host } from "./host.ts";
import { collect, onlyOnce, refuse } from "./options.ts";
import type { PluginRequest } from "./plugin_desk.ts";
import { parseEvent } from "./send_event.ts";
import { readSources } from "./sources.ts";
import { readYamlFile } from "./yaml_file.ts";

/** The flags of commands that open a plugin. */
export interface PluginFlags {
  /** `--in-process`. */
  readonly inProcess?: true;
  /** `--allow`, each as typed. */
  readonly allow?: readonly string[];
  /** `--secret`, each as typed. */
  readonly secret?: readonly string[];
  /** `--plugin-config`. */
  readonly pluginConfig?: string;
}

/** Adds a command that opens a plugin and takes an event for it. */
// deno-lint-ignore explicit-module-boundary-types -- the type is what the options make it
export function addPluginCommand(
  parent: CommandUnknownOpts,
  name: string,
  file: string,
) {
  return parent.command(name)
    .argument("<SPEC>", "the plugin: a path, URL, npm: or jsr:")
    .requiredOption(
      "-f, --file <SOURCE>",
      file,
      (value: string, previous: string | undefined) =>
        onlyOnce("-f", value, previous),
    )
    .option(
      "--allow <NAME[=VALUE,...]>",
      "what it may touch: net, read, write, env, run, sys, each with what of it; repeatable",
      collect,
    )
    .option(
      "--secret <NAME=SOURCE>",
      "a secret that it may ask for, and where that is: env:VARIABLE or file:PATH; repeatable",
      collect,
    )
    .option(
      "--plugin-config <FILE>",
      "YAML with the plugin's config",
      (value: string, previous: string | undefined) =>
        onlyOnce("--plugin-config", value, previous),
    )
    .option(
      "--in-process",
      "load it into this process, as --plugin-in-process of an agent does",
    );
}

/** `net=example.com:443`, `net=a,b`, or `net` for all of it. */
function readAllow(
  allow: readonly string[],
): Readonly<Record<string, true | readonly string[]>> {
  const found: Record<string, true | readonly string[]> = {};
  for (const each of allow) {
    const [name = "", ...rest] = each.split("=");
    const values = rest.join("=").split(",").filter(Boolean);
    if (name === "" || (rest.length > 0 && values.length === 0)) {
      refuse("--allow", each, 'a permission such as "net=example.com:443"');
    }
    const before = found[name];
    found[name] = values.length === 0 || before === true
      ? true
      : [...before ?? [], ...values];
  }
  return found;
}

/** `token=env:TOKEN`. */
function readSecrets(
  secret: readonly string[],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const each of secret) {
    const [, name = "", source = ""] = /^([^=]+)=((?:env|file):.+)$/
      .exec(each) ?? [];
    if (name === "" || Object.hasOwn(found, name)) {
      refuse(
        "--secret",
        each.replace(/=.*/s, "=…"), // it may be the secret itself
        'a secret and where it is, such as "token=env:TOKEN", each once',
      );
    }
    found[name] = source;
  }
  return found;
}

/**
 * Reads which plugin a person means.
 *
 * @throws {TransporterError} `usage`.
 */
export async function requestOf(
  spec: string,
  flags: PluginFlags,
  host: Host,
): Promise<PluginRequest> {
  const { inProcess = false, allow = [], secret = [], pluginConfig } = flags;
  if (inProcess && allow.length > 0) {
    throw new TransporterError(
      "usage",
      "Cannot use --allow with --in-process: there it may do all that this program may",
    );
  }
  return {
    spec,
    inProcess,
    config: pluginConfig === undefined
      ? undefined
      : await readYamlFile(pluginConfig, host.files) ?? undefined,
    allow: readAllow(allow),
    secrets: readSecrets(secret),
  };
}

/**
 * Reads an event from a file.
 *
 * @throws {TransporterError} What is wrong with the file, or that it has no payload.
 */
export async function readEventFile(
  name: string,
  host: Host,
): Promise<
  Readonly<Record<string, unknown>> & {
    readonly payload: Readonly<Record<string, unknown>>;
  }
> {
  const [source] = await readSources([name], host);
  if (source === undefined) throw new RangeError("A file is one source");
  const event = parseEvent(source);
  const { payload } = event;
  if (isRecord(payload)) return { ...event, payload };
  throw new TransporterError(
    "missing_field",
    `Cannot run ${source.name} as it has no "payload", a mapping`,
  );
}
