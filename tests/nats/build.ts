/**
 * Finds `nats-server` in the user's cache, or builds it there from its Go
 * module: Debian's is too old to sync each message to the disk.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";
import { dirname, join } from "node:path";
import { exists } from "../../deploy/localkube/build.ts";
import {
  GO_ENVIRONMENT,
  installedGo,
  parseGoVersion,
} from "../../deploy/localkube/go.ts";
import { Progress } from "../../deploy/localkube/progress.ts";

/** The release that is tested with. */
export const NATS_VERSION = "2.14.10";

/** The oldest Go that builds it: the minor of Go 1. */
const GO_MINOR_MIN = 25;

/** Between two looks at a lock that another process holds, in milliseconds. */
const LOCK_INTERVAL_MS = 200;

/** Options of {@linkcode findOrBuildNats}. */
export interface NatsBuildOptions {
  /** The user's cache folder. */
  readonly cacheDir: string;
  /** Gives up building, or waiting for another process that builds. */
  readonly signal?: AbortSignal;
}

/**
 * Checks that a Go can build the server.
 *
 * @param found What `go env GOVERSION` printed, `undefined` when there is no `go`.
 * @throws {TransporterError} `unavailable`, saying what to do.
 */
export function checkGo(found: string | undefined): void {
  const version = found === undefined ? undefined : parseGoVersion(found);
  if (version?.major === 1 && version.minor >= GO_MINOR_MIN) return;
  const actual = found === undefined ? "there is no Go" : `Go is "${found}"`;
  throw new TransporterError(
    "unavailable",
    `Cannot build nats-server ${NATS_VERSION} for the tests as that needs Go 1.${GO_MINOR_MIN} or newer and ${actual}: install it, or go --without nats`,
  );
}

/**
 * Returns the path of the server, building it first where it is missing. May be
 * called by several processes at once: one builds and the others wait.
 *
 * @throws {TransporterError} `unavailable` if there is no Go that can build it, or the build fails.
 */
export async function findOrBuildNats(
  { cacheDir, signal }: NatsBuildOptions,
): Promise<string> {
  const program = join(
    ...[cacheDir, "transporter", "nats-server"],
    ...[`${NATS_VERSION}-${Deno.build.target}`, "nats-server"],
  );
  if (await exists(program)) return program;
  checkGo(await installedGo());
  await Deno.mkdir(dirname(program), { recursive: true });
  using _progress = new Progress(
    `Building nats-server ${NATS_VERSION} from Go modules, once, about 2 minutes on two cores:`,
    Deno.stderr,
  );
  using lock = await Deno.open(join(dirname(program), "lock"), {
    create: true,
    write: true,
  });
  // The system gives the lock back when its holder dies, whatever it died of.
  while (!await lock.tryLock(true)) {
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOCK_INTERVAL_MS));
  }
  if (await exists(program)) return program;
  await build(program, signal);
  return program;
}

/** Builds beside the place and renames, so that a program that is there is whole. */
async function build(
  program: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: dirname(program) });
  try {
    // "-mod" is not for a module that is named with its version.
    const { success, stderr } = await new Deno.Command("go", {
      args: [
        "install",
        "-trimpath",
        `github.com/nats-io/nats-server/v2@v${NATS_VERSION}`,
      ],
      cwd: folder,
      env: {
        ...GO_ENVIRONMENT,
        GOFLAGS: "",
        GOBIN: folder,
        GOTMPDIR: folder,
      },
      stdin: "null",
      stdout: "null",
      ...(signal === undefined ? {} : { signal }),
    }).output();
    signal?.throwIfAborted();
    if (!success) {
      const text = new TextDecoder().decode(stderr).trim();
      throw new TransporterError(
        "unavailable",
        `Cannot build nats-server ${NATS_VERSION} for the tests, go --without nats or see to it that "go install" can: ${
          text.split("\n").slice(-5).join("\n")
        }`,
      );
    }
    await Deno.rename(join(folder, "nats-server"), program);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
