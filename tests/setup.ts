/**
 * What the tests need beyond this repository: found, built or started here, and
 * handed to them by environment variables.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";
import { join } from "node:path";
import { startLocalKube, userCacheDir } from "../deploy/localkube/mod.ts";
import { SHARED_VARIABLE } from "./kubernetes/cluster.ts";
import { findOrBuildNats } from "./nats/build.ts";
import { hasRedis } from "./redis/server.ts";

/**
 * The parts one can go without. `kubernetes`: tests against an API server;
 * `pods`: tests in a cluster with a kubelet; `scripts`: those that confine
 * scripts; `redis` and `nats`: those with such a server; `shells`: those that
 * press Tab in zsh and fish.
 */
export const PARTS = [
  "kubernetes",
  "pods",
  "scripts",
  "redis",
  "nats",
  "shells",
] as const;

/** The name of a part. */
export type Part = typeof PARTS[number];

/** The variable that names the kubeconfig of a cluster with a kubelet. */
const PODS_VARIABLE = "TRANSPORTER_TEST_KUBECONFIG";

/** What is ready for the tests; dispose it when they are over. */
export interface Setup extends AsyncDisposable {
  /** The whole environment of the tests. */
  readonly env: Readonly<Record<string, string>>;
  /** The parts whose tests do not run, and why. */
  readonly skipped: ReadonlyMap<Part, string>;
}

/** Options of {@linkcode setUp}. */
export interface SetupOptions {
  /** The parts to go without. */
  readonly without: ReadonlySet<Part>;
  /** The environment that the tests are to add to. */
  readonly environment: Readonly<Record<string, string>>;
  /** Gives up, and ends what was started. */
  readonly signal: AbortSignal;
}

/**
 * Sets up what is missing: one API server for all test files, and the program
 * of a NATS server, built from Go modules if this is the first time.
 *
 * @throws {TransporterError} `no_cluster` if there is no API server and none
 * can be built, or if the cluster with a kubelet is named and not there;
 * `unavailable` if another part is missing.
 */
export async function setUp(options: SetupOptions): Promise<Setup> {
  const { without, environment, signal } = options;
  const env = { ...environment };
  const skipped = new Map<Part, string>();
  await using stack = new AsyncDisposableStack();

  if (without.has("pods")) skipped.set("pods", "--without pods");
  else if (!env[PODS_VARIABLE]) {
    skipped.set("pods", `${PODS_VARIABLE} names no cluster`);
  } else await checkKubeconfig(env[PODS_VARIABLE]);
  if (skipped.has("pods")) delete env[PODS_VARIABLE];

  if (without.has("scripts")) skipped.set("scripts", "--without scripts");
  else if (!await answers("bwrap")) {
    await installPackage("bubblewrap", {
      signal,
      otherwise:
        'Cannot test how scripts are confined as there is no "bwrap": install bubblewrap, or go --without scripts',
    });
  }

  if (without.has("redis")) skipped.set("redis", "--without redis");
  else if (!await hasRedis()) {
    await installPackage("redis-server", {
      signal,
      otherwise:
        'Cannot test with Redis as there is no "redis-server": install Redis 7, or go --without redis',
    });
  }

  if (without.has("shells")) skipped.set("shells", "--without shells");
  else {
    for (const shell of ["zsh", "fish"]) {
      if (await answers(shell)) continue;
      await installPackage(shell, {
        signal,
        otherwise:
          `Cannot test completion as there is no "${shell}": install zsh and fish, or go --without shells`,
      });
    }
  }

  const cacheDir = userCacheDir((name) => env[name]);
  if (without.has("nats")) skipped.set("nats", "--without nats");
  else await findOrBuildNats({ cacheDir, signal });

  // Tests make their folders here, so that those of an interrupted run go too.
  const dir = await Deno.makeTempDir({ prefix: "transporter-test-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  env["TMPDIR"] = dir;

  delete env[SHARED_VARIABLE];
  if (without.has("kubernetes")) {
    skipped.set("kubernetes", "--without kubernetes");
  } else {
    const assets = env["KUBEBUILDER_ASSETS"];
    const kube = stack.use(
      await startLocalKube({
        cacheDir,
        signal,
        ...(assets ? { assets } : {}),
      }),
    );
    env[SHARED_VARIABLE] = join(dir, "localkube.json");
    await Deno.writeTextFile(env[SHARED_VARIABLE], JSON.stringify(kube), {
      mode: 0o600,
    });
  }
  const started = stack.move();
  return {
    env,
    skipped,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Whether a program is there, and says its version. */
async function answers(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Installs a package where that takes nobody's leave: as root, on Debian.
 *
 * @throws {TransporterError} `unavailable`, with `otherwise`, which says what to install.
 */
async function installPackage(
  name: string,
  { otherwise, signal }: {
    readonly otherwise: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const isDebian = await Deno.stat("/etc/debian_version").then(
    () => true,
    () => false,
  );
  if (isDebian && Deno.uid() === 0) {
    const { success } = await new Deno.Command("sh", {
      args: [
        "-c",
        `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${name}`,
      ],
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdout: "null",
      signal,
    }).output();
    if (success) return;
  }
  throw new TransporterError("unavailable", otherwise);
}

async function checkKubeconfig(path: string): Promise<void> {
  try {
    await Deno.stat(path);
  } catch (error) {
    throw new TransporterError(
      "no_cluster",
      `Cannot use the cluster that ${PODS_VARIABLE} names as there is no file "${path}": unset it, or go --without pods`,
      { cause: error },
    );
  }
}
