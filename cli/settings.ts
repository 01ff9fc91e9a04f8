import { isRecord, TransporterError, withoutPassword } from "@transporter/sdk";
import type { Machine } from "./host.ts";
import { readYamlFile } from "./yaml_file.ts";

/** Where the control plane is, and who says so. */
export interface Target {
  /** The base of every address, without a slash at its end. */
  readonly url: string;
  /** What it was taken from, for people: `--cp-url`, `TP_URL`, … */
  readonly from: string;
}

/** What the command line says about the control plane. */
export interface TargetFlags {
  /** `--cp-url`. */
  readonly cpUrl?: string | undefined;
  /** `--context`. */
  readonly context?: string | undefined;
}

const URL_DEFAULT = "http://127.0.0.1:8080";

interface Contexts {
  readonly path: string;
  readonly current: string | undefined;
  readonly urls: ReadonlyMap<string, string>;
}

/** Where the contexts are kept; `undefined` without a home. @see {@link https://specifications.freedesktop.org/basedir-spec/latest/} */
function contextsPath(
  env: Readonly<Record<string, string>>,
): string | undefined {
  if (env["XDG_CONFIG_HOME"]) {
    return `${env["XDG_CONFIG_HOME"]}/transporter/config.yaml`;
  }
  const home = env["HOME"] || env["USERPROFILE"];
  return home ? `${home}/.config/transporter/config.yaml` : undefined;
}

function refuse(path: string, why: string, cause?: unknown): never {
  throw new TransporterError("usage", `Cannot read "${path}": ${why}`, {
    cause,
  });
}

function readContexts(path: string, value: unknown): Contexts {
  if (value === null || value === undefined) {
    return { path, current: undefined, urls: new Map() };
  }
  if (!isRecord(value)) return refuse(path, "it must be a mapping");
  for (const key of Object.keys(value)) {
    if (key !== "current-context" && key !== "contexts") {
      refuse(path, `the key "${key}" is not known`);
    }
  }
  const { contexts = [], "current-context": current } = value;
  if (current !== undefined && typeof current !== "string") {
    refuse(path, '"current-context" must be a name');
  }
  if (!Array.isArray(contexts)) refuse(path, '"contexts" must be a list');
  const urls = new Map<string, string>();
  for (const context of contexts) {
    const { name, "cp-url": url, ...rest } = isRecord(context) ? context : {};
    if (typeof name !== "string" || typeof url !== "string") {
      refuse(path, 'each of "contexts" must have a "name" and a "cp-url"');
    }
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) {
      refuse(path, `the key "${unknown}" of context "${name}" is not known`);
    }
    urls.set(name, url);
  }
  return { path, current, urls };
}

async function loadContexts(machine: Machine): Promise<Contexts | undefined> {
  const path = contextsPath(machine.env);
  if (path === undefined || await machine.files.kindOf(path) !== "file") {
    return undefined;
  }
  return readContexts(path, await readYamlFile(path, machine.files));
}

function fromContext(contexts: Contexts | undefined, name: string): Target {
  const url = contexts?.urls.get(name);
  if (url === undefined) {
    const known = [...contexts?.urls.keys() ?? []].map((each) => `"${each}"`);
    const where = contexts === undefined
      ? "there is no configuration file"
      : known.length === 0
      ? `"${contexts.path}" has no contexts`
      : `"${contexts.path}" has ${known.join(", ")}`;
    throw new TransporterError(
      "usage",
      `Cannot find the context "${name}": ${where}`,
    );
  }
  return { url, from: `context "${name}"` };
}

/** Schemes of NATS servers. */
const NATS_REGEXP = /^(nats|tls|nats\+ws|nats\+wss):\/\/./i;

function checkedBroker({ url, from }: Target): Target {
  if (NATS_REGEXP.test(url) && URL.canParse(url)) return { url, from };
  throw new TransporterError(
    "usage",
    `Cannot send through NATS to "${
      withoutPassword(url)
    }" of ${from}: with --mode nats, --cp-url or TP_URL names a NATS server, like "nats://HOST:4222"`,
  );
}

function checked(target: Target, kind: "http" | "nats"): Target {
  const { url, from } = target;
  if (kind === "nats") return checkedBroker(target);
  if (NATS_REGEXP.test(url)) {
    throw new TransporterError(
      "usage",
      `Cannot use the address of ${from}: it is a NATS server's, to which only "send" goes, with --mode nats`,
    );
  }
  const parsed = URL.parse(url);
  const fits = parsed !== null &&
    (parsed.protocol === "http:" || parsed.protocol === "https:") &&
    parsed.search === "" && parsed.hash === "";
  if (!fits) {
    throw new TransporterError(
      "usage",
      `Cannot use the address "${
        withoutPassword(url)
      }" of ${from}: it must be like "${URL_DEFAULT}"`,
    );
  }
  return { url: parsed.href.replace(/\/+$/, ""), from };
}

/**
 * Finds the control plane: `--cp-url`, `--context`, `TP_URL`, the current
 * context of the configuration file, or the default, in this order.
 *
 * @param flags What the command line says.
 * @param machine Where the environment and the file are.
 * @param kind What it has to be: the control plane's, or a NATS server's.
 * @returns Its address.
 * @throws {TransporterError} `usage` when the file, the context or the address is wrong.
 */
export async function findTarget(
  flags: TargetFlags,
  machine: Machine,
  kind: "http" | "nats" = "http",
): Promise<Target> {
  const { cpUrl, context } = flags;
  if (cpUrl !== undefined && context !== undefined) {
    throw new TransporterError(
      "usage",
      'Cannot use both "--cp-url" and "--context": each names a control plane',
    );
  }
  if (cpUrl !== undefined) {
    return checked({ url: cpUrl, from: "--cp-url" }, kind);
  }
  if (context !== undefined) {
    return checked(fromContext(await loadContexts(machine), context), kind);
  }
  const variable = machine.env["TP_URL"];
  if (variable) return checked({ url: variable, from: "TP_URL" }, kind);
  const contexts = await loadContexts(machine);
  if (contexts?.current !== undefined) {
    return checked(fromContext(contexts, contexts.current), kind);
  }
  return checked({ url: URL_DEFAULT, from: "the default" }, kind);
}
