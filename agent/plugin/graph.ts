import { type Clock, isRecord, TransporterError } from "@transporter/sdk";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type PluginTools, type Resolution, resolving } from "./command.ts";
import {
  readIfThere,
  realUrl,
  runDeno,
  temporaryFolder,
  whyNoFile,
} from "./deno.ts";
import type { PluginEntry } from "./entry.ts";
import { placeOf, type PluginPlace } from "./import_map.ts";

/** What {@linkcode inspect} found. */
export interface Inspection extends AsyncDisposable {
  /** The hash over all modules that the plugin loads. */
  readonly integrity: string;
  /** How many files and packages those are. */
  readonly modules: number;
  /** How `deno` finds them again; its lock file is there until this is disposed. */
  readonly resolution: Resolution;
  /** Names that stand for something else, but for those that are supplied. */
  readonly mapped: readonly string[];
}

/** A module as `deno info --json` has it. */
interface Module {
  readonly specifier: string;
  readonly kind?: string;
  readonly local?: string | null;
  readonly error?: string;
  readonly npmPackage?: string;
  readonly dependencies?: readonly Dependency[];
}

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string };
}

interface Graph {
  readonly modules: readonly Module[];
  readonly redirects?: Readonly<Record<string, string>>;
  readonly npmPackages?: Readonly<
    Record<string, { readonly dependencies?: readonly string[] }>
  >;
}

function refuse(
  code: "usage" | "denied",
  { name }: PluginEntry,
  why: string,
): never {
  const what = code === "usage" ? "load" : "allow";
  throw new TransporterError(
    code,
    `Cannot ${what} the plugin "${name}": ${why}`,
  );
}

async function hashOf(
  { specifier, local }: Module,
): Promise<string> {
  const bytes = local ? await readIfThere(local) : undefined;
  if (bytes === undefined) {
    throw new TransporterError("usage", `Cannot read "${specifier}"`);
  }
  return createHash("sha256").update(bytes).digest("hex");
}

/** Refuses modules that are not there, and files that a plugin has no business with. */
async function check(
  entry: PluginEntry,
  modules: readonly Module[],
  { folder }: PluginPlace,
): Promise<void> {
  const home = folder === undefined ? undefined : await realUrl(folder);
  for (const { specifier, error } of modules) {
    if (error !== undefined) {
      refuse("usage", entry, error.split("\n")[0] ?? error);
    }
    if (!specifier.startsWith("file:")) continue;
    // The static imports of a module need no permission: deno reads any file for them.
    const inside = folder !== undefined && home !== undefined &&
      specifier.startsWith(folder) &&
      (await realUrl(specifier)).startsWith(home.replace(/\/?$/, "/"));
    if (inside) continue;
    const where = folder === undefined
      ? "it is no file"
      : `its folder is ${fileURLToPath(folder)}`;
    refuse("denied", entry, `it imports "${specifier}", and ${where}`);
  }
}

/** The packages of npm that some modules load, with all that those depend on. */
function packagesOf(
  modules: readonly Module[],
  { modules: all, redirects = {}, npmPackages = {} }: Graph,
): Set<string> {
  const byUrl = new Map(all.map((module) => [module.specifier, module]));
  const found = new Set<string>();
  const add = (name: string | undefined) => {
    if (name === undefined || found.has(name)) return;
    found.add(name);
    npmPackages[name]?.dependencies?.forEach(add);
  };
  for (const { dependencies = [], npmPackage } of modules) {
    add(npmPackage);
    for (const { code } of dependencies) {
      const url = code?.specifier ?? "";
      add(byUrl.get(redirects[url] ?? url)?.npmPackage);
    }
  }
  return found;
}

/** Their hashes, from the lock file that deno makes. */
function locked(
  lock: string,
  names: ReadonlySet<string>,
): [name: string, hash: string][] {
  const value: unknown = JSON.parse(lock);
  const npm = isRecord(value) && isRecord(value["npm"]) ? value["npm"] : {};
  return [...names].map((name) => {
    const entry = npm[name];
    const hash = isRecord(entry) ? entry["integrity"] : undefined;
    if (typeof hash === "string") return [`npm:${name}`, hash];
    throw new TransporterError("usage", `Cannot find the hash of "${name}"`);
  });
}

function total(hashes: readonly (readonly [string, string])[]): string {
  const lines = hashes.map(([name, hash]) => `${name} ${hash}\n`).sort();
  const digest = createHash("sha256").update(lines.join("")).digest("base64");
  return `sha256-${digest}`;
}

/**
 * Looks at everything that a plugin loads, down to the last module, and holds
 * it against the hash that it is pinned by.
 *
 * @param entry The plugin.
 * @param options What `deno` is run with.
 * @returns Its hash, and how to load the same again.
 * @throws {TransporterError} `usage` for a module that is not there or cannot be read; `denied` for
 * a file outside the plugin's folder, and for another hash than the one it is pinned by.
 */
export async function inspect(
  entry: PluginEntry,
  options: { readonly tools: PluginTools; readonly clock: Clock },
): Promise<Inspection> {
  const { tools } = options;
  const { specifier, integrity: wanted } = entry;
  const missing = await whyNoFile(specifier);
  if (missing !== undefined) refuse("usage", entry, missing);
  const place = await placeOf(specifier, tools);
  const flags = resolving(specifier, place, tools);
  const info = await runDeno(
    ["info", "--json", "--no-lock", ...flags, specifier],
    options,
  ).catch((error) => refuse("usage", entry, error.message));
  const graph: Graph = JSON.parse(info);
  const unknown = graph.modules.find(({ kind, npmPackage }) =>
    kind === "npm" && npmPackage === undefined
  );
  if (unknown !== undefined) {
    const why =
      `the package "${unknown.specifier}" cannot be resolved: is its registry within reach?`;
    refuse("usage", entry, why);
  }
  const root = graph.redirects?.[specifier] ?? specifier;
  const own = graph.modules.filter((module) =>
    module.kind !== "node" && module.kind !== "npm" &&
    !tools.own.some((prefix) => module.specifier.startsWith(prefix))
  );
  await check(entry, own, place);
  const hashes: [string, string][] = [];
  for (const module of own) {
    const { folder = "" } = place;
    const name = module.specifier.startsWith(folder)
      ? module.specifier.slice(folder.length)
      : module.specifier;
    hashes.push([name, await hashOf(module)]);
  }
  await using stack = new AsyncDisposableStack();
  let lock: string | undefined;
  if (Object.keys(graph.npmPackages ?? {}).length > 0) {
    const folder = stack.use(await temporaryFolder());
    lock = `${folder.path}/deno.lock`;
    await runDeno(["cache", `--lock=${lock}`, ...flags, specifier], options)
      .catch((error) => refuse("usage", entry, error.message));
    const bytes = await readIfThere(lock);
    const names = packagesOf(
      [...own, ...graph.modules.filter(({ specifier: url }) => url === root)],
      graph,
    );
    hashes.push(...locked(new TextDecoder().decode(bytes), names));
  }
  const integrity = total(hashes);
  if (wanted !== undefined && wanted !== integrity) {
    refuse("denied", entry, `its hash is ${integrity}, not ${wanted}`);
  }
  const kept = stack.move();
  return {
    integrity,
    modules: hashes.length,
    resolution: { map: place.map, ...(lock === undefined ? {} : { lock }) },
    mapped: mappedNames(own, tools),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Names in imports that only an import map gives a meaning. */
function mappedNames(
  modules: readonly Module[],
  { supplied }: PluginTools,
): string[] {
  const names = modules.flatMap(({ dependencies = [] }) =>
    dependencies.map(({ specifier }) => String(specifier))
  );
  return [...new Set(names)].filter((name) =>
    !/^(\.{0,2}\/|[a-z][a-z0-9+.-]*:)/i.test(name) &&
    !Object.hasOwn(supplied, name)
  );
}
