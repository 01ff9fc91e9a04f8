/**
 * Finds the `localkube` program in the user's cache, or builds it there.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  checkGoVersion,
  GO_ENVIRONMENT,
  installedGo,
  parseGoVersion,
} from "./go.ts";
import { Processes } from "./processes.ts";
import { Progress, type ProgressOutput } from "./progress.ts";

/** Options of {@linkcode findOrBuild}. */
export interface BuildOptions {
  /** The user's cache folder, see {@linkcode userCacheDir}. */
  readonly cacheDir: string;
  /** Where the progress line goes; standard error unless given. */
  readonly output?: ProgressOutput;
  /** Gives up building, or waiting for another process that builds. */
  readonly signal?: AbortSignal;
}

/** What the program is built from; its Kubernetes and Go releases are read from `goMod`. */
export interface ProgramSource {
  /** The text of `go.mod`. */
  readonly goMod: string;
  /** The text of `go.sum`. */
  readonly goSum: string;
  /** The text of `main.go`. */
  readonly mainGo: string;
}

/** Between two looks at a lock that another process holds, in milliseconds. */
const LOCK_INTERVAL_MS = 200;

/**
 * Says where the user keeps caches, by the rule of the XDG Base Directory
 * Specification ({@link https://specifications.freedesktop.org/basedir-spec/latest/}).
 *
 * @param environment Looks a variable up.
 * @throws {TransporterError} `no_cluster` when neither `XDG_CACHE_HOME` nor `HOME` is set.
 */
export function userCacheDir(
  environment: (name: string) => string | undefined,
): string {
  const cache = environment("XDG_CACHE_HOME");
  // The specification has relative paths ignored.
  if (cache?.startsWith("/")) return cache;
  const home = environment("HOME");
  if (home) return join(home, ".cache");
  throw new TransporterError(
    "no_cluster",
    "Cannot keep a Kubernetes API server as there is no cache folder: set XDG_CACHE_HOME or HOME, or name a cluster with --kube-context or --kubeconfig",
  );
}

/**
 * Says where a program of this source belongs. Another source, or another
 * platform, is another file, so an update of Kubernetes never meets a stale one.
 */
export async function programPath(
  source: ProgramSource,
  cacheDir: string,
): Promise<string> {
  const text = [source.goMod, source.goSum, source.mainGo, Deno.build.target];
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text.join("\0")),
  );
  const hash = new Uint8Array(digest).toHex().slice(0, 12);
  return join(cacheDir, "transporter", "localkube", hash, "localkube");
}

/** Reads the Kubernetes release out of a `go.mod`, such as `"1.36.3"`. */
export function kubernetesVersion(goMod: string): string {
  const version = /^\s*k8s\.io\/kubernetes v(\d+\.\d+\.\d+)/m.exec(goMod)?.[1];
  if (version === undefined) {
    throw new TypeError('Cannot find "k8s.io/kubernetes" in go.mod');
  }
  return version;
}

/**
 * Returns the path of the program, building it first where it is missing. May
 * be called by several processes at once: one builds and the others wait.
 *
 * @throws {TransporterError} `no_cluster` if there is no Go that can build it, or the build fails.
 */
export async function findOrBuild(options: BuildOptions): Promise<string> {
  const here = new URL(".", import.meta.url);
  const [goMod = "", goSum = "", mainGo = ""] = await Promise.all(
    ["go.mod", "go.sum", "main.go"].map((name) =>
      Deno.readTextFile(new URL(name, here))
    ),
  );
  const program = await programPath({ goMod, goSum, mainGo }, options.cacheDir);
  if (await exists(program)) return program;

  const wanted = parseGoVersion(goMod.replace(/^go /m, "go"));
  if (wanted === undefined) {
    throw new TypeError('Cannot find a line "go 1.N" in go.mod');
  }
  checkGoVersion(await installedGo(), wanted);

  const version = kubernetesVersion(goMod);
  await Deno.mkdir(dirname(program), { recursive: true });
  using _progress = new Progress(
    `Building the Kubernetes ${version} API server from Go modules, once, 4 to 10 minutes on two cores:`,
    options.output ?? Deno.stderr,
  );
  using lock = await Deno.open(join(dirname(program), "lock"), {
    create: true,
    write: true,
  });
  // The system gives the lock back when its holder dies, whatever it died of.
  while (!await lock.tryLock(true)) {
    options.signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOCK_INTERVAL_MS));
  }
  if (await exists(program)) return program;
  await build(fileURLToPath(here), program, {
    version,
    signal: options.signal,
  });
  return program;
}

/** Builds beside the place and renames, so that a program that is there is whole. */
async function build(
  folder: string,
  program: string,
  options: { version: string; signal: AbortSignal | undefined },
): Promise<void> {
  const { version, signal } = options;
  const [major, minor] = version.split(".");
  const at = "-X k8s.io/component-base/version.";
  const unfinished = `${program}.${crypto.randomUUID()}`;
  const processes = await Processes.open();
  try {
    const go = await processes.start("go", [
      "go",
      "build",
      "-buildvcs=false",
      `-ldflags=-s -w ${at}gitVersion=v${version} ${at}gitMajor=${major} ${at}gitMinor=${minor}`,
      "-o",
      unfinished,
      ".",
    ], { cwd: folder, env: { ...GO_ENVIRONMENT, GOTMPDIR: processes.dir } });
    const end = () => processes.end(go);
    signal?.addEventListener("abort", end);
    const code = await go.ended;
    signal?.removeEventListener("abort", end);
    signal?.throwIfAborted();
    if (code !== 0) {
      throw new TransporterError(
        "no_cluster",
        `Cannot build a Kubernetes API server as "go build" ended with code ${code}: ${await processes
          .log("go")}`,
      );
    }
    await Deno.rename(unfinished, program);
  } finally {
    await processes.stop();
    await removeUnfinished(dirname(program));
  }
}

/** Removes what this build, and those that were killed before, left behind. Only the holder of the lock may call it. */
async function removeUnfinished(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith("localkube.")) {
      await Deno.remove(join(folder, entry.name));
    }
  }
}

/** Whether there is something at a path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
