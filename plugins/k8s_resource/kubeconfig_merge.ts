import { dirname } from "node:path";
import { TransporterError } from "@transporter/sdk";
import { readYaml } from "./yaml_document.ts";
import { splitDocuments } from "./yaml_split.ts";
import { isMapping, Unreadable, type Value } from "./yaml_value.ts";

/** A mapping of a kubeconfig. */
export type Mapping = { readonly [key: string]: Value };

/** An entry of a kubeconfig. */
export interface Entry {
  /** Its name. */
  readonly name: string;
  /** What it says. */
  readonly value: Mapping;
  /** The folder its relative paths start from. */
  readonly dir: string;
}

/** What several kubeconfig files say together. */
export interface Merged {
  /** The files, for errors. */
  readonly files: string;
  /** The context to use when none is named. */
  readonly currentContext: string | undefined;
  /** By name. */
  readonly clusters: ReadonlyMap<string, Entry>;
  /** By name. */
  readonly users: ReadonlyMap<string, Entry>;
  /** By name. */
  readonly contexts: ReadonlyMap<string, Entry>;
}

/** The error about a kubeconfig that says too little. */
export function wrong(message: string, cause?: unknown): TransporterError {
  return new TransporterError("no_cluster", message, { cause });
}

/**
 * The text at a key; `undefined` when there is none.
 *
 * @throws {TransporterError} `no_cluster`: something else stands there.
 */
export function textAt(mapping: Mapping, key: string): string | undefined {
  const value = mapping[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw wrong(
    `Cannot use the kubeconfig: a "${key}" in it is no text; put it in quotes`,
  );
}

async function readFile(path: string): Promise<Mapping | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw wrong(`Cannot read the kubeconfig "${path}"`, cause);
  }
  try {
    const { value } = readYaml(splitDocuments(text)[0]?.text ?? "");
    if (value === null) return {};
    if (isMapping(value)) return value;
    throw wrong(`Cannot use the kubeconfig "${path}": it is no mapping`);
  } catch (cause) {
    if (!(cause instanceof Unreadable)) throw cause;
    throw wrong(`Cannot use the kubeconfig "${path}": ${cause.message}`, cause);
  }
}

/** Adds named entries; one that is there already stays. */
function addEntries(
  entries: Map<string, Entry>,
  list: Value | undefined,
  options: { readonly key: string; readonly dir: string },
): void {
  const { key, dir } = options;
  for (const each of Array.isArray(list) ? list : []) {
    if (!isMapping(each)) continue;
    const name = textAt(each, "name");
    const value = each[key];
    if (name !== undefined && !entries.has(name)) {
      entries.set(name, { name, value: isMapping(value) ? value : {}, dir });
    }
  }
}

/**
 * Reads kubeconfig files and merges them as kubectl does.
 *
 * @param paths Files, joined by `:` (`;` on Windows); missing ones are skipped.
 * @throws {TransporterError} `no_cluster`: none is there, or one cannot be read.
 * @see {@link https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files}
 */
export async function mergeKubeconfigs(paths: string): Promise<Merged> {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  const clusters = new Map<string, Entry>();
  const users = new Map<string, Entry>();
  const contexts = new Map<string, Entry>();
  let currentContext: string | undefined;
  let found = 0;
  for (const path of paths.split(separator).filter((each) => each !== "")) {
    const file = await readFile(path);
    if (file === undefined) continue;
    found++;
    const dir = dirname(path);
    addEntries(clusters, file.clusters, { key: "cluster", dir });
    addEntries(users, file.users, { key: "user", dir });
    addEntries(contexts, file.contexts, { key: "context", dir });
    currentContext ??= textAt(file, "current-context");
  }
  if (found === 0) throw wrong(`Cannot find the kubeconfig "${paths}"`);
  return { files: paths, currentContext, clusters, users, contexts };
}

/**
 * Finds an entry.
 *
 * @param entries Where to look.
 * @param name Its name.
 * @param what What it is, for the error.
 * @throws {TransporterError} `no_cluster`: it is not there.
 */
export function entryOf(
  entries: ReadonlyMap<string, Entry>,
  name: string | undefined,
  what: { readonly kind: string; readonly files: string },
): Entry {
  const entry = name === undefined ? undefined : entries.get(name);
  if (entry !== undefined) return entry;
  const names = [...entries.keys()].map((each) => `"${each}"`).join(", ") ||
    "none";
  const wanted = name === undefined
    ? "a current context"
    : `the ${what.kind} "${name}"`;
  throw wrong(
    `Cannot find ${wanted} in the kubeconfig "${what.files}"; there is ${names}`,
  );
}
