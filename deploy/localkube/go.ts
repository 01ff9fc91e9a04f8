/**
 * The Go toolchain: is it here, and is it new enough.
 *
 * @module
 */

import { TransporterError } from "@transporter/sdk";

/** A release line of Go: 1.26 is `{ major: 1, minor: 26 }`. */
export interface GoVersion {
  /** The part before the first dot. */
  readonly major: number;
  /** The part after it. */
  readonly minor: number;
}

/**
 * What the build may use of the machine. The toolchain is the one that is
 * installed: Go would download a newer one by itself, which is not ours to
 * decide. Without cgo no C compiler is needed, and the program is static.
 */
export const GO_ENVIRONMENT: Readonly<Record<string, string>> = {
  CGO_ENABLED: "0",
  GOFLAGS: "-mod=readonly",
  GOTOOLCHAIN: "local",
  GOWORK: "off",
};

/**
 * Reads the release out of what `go env GOVERSION` prints.
 *
 * @param text Such as `go1.26.8`, `go1.27rc1` or `devel go1.28-3f2a1b`.
 * @returns `undefined` when there is no release in it.
 */
export function parseGoVersion(text: string): GoVersion | undefined {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return { major: Number(major), minor: Number(minor) };
}

/**
 * Checks that a Go can build the program.
 *
 * @param found What `go env GOVERSION` printed, `undefined` when there is no `go`.
 * @param wanted The oldest release that will do.
 * @throws {TransporterError} `no_cluster` if it is older, missing or unreadable.
 */
export function checkGoVersion(
  found: string | undefined,
  wanted: GoVersion,
): void {
  const version = found === undefined ? undefined : parseGoVersion(found);
  if (
    version !== undefined &&
    (version.major > wanted.major ||
      version.major === wanted.major && version.minor >= wanted.minor)
  ) return;
  const go = `Go ${wanted.major}.${wanted.minor}`;
  const actual = found === undefined ? "there is no Go" : `Go is "${found}"`;
  throw new TransporterError(
    "no_cluster",
    `Cannot build a Kubernetes API server as that needs ${go} or newer and ${actual}: name a cluster with --kube-context or --kubeconfig, or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd, or install ${go}`,
  );
}

/**
 * Asks the installed Go for its release.
 *
 * @returns What `go env GOVERSION` prints, or `undefined` when there is no `go`.
 */
export async function installedGo(): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("go", {
      args: ["env", "GOVERSION"],
      cwd: "/", // in a folder with a go.mod, an older Go refuses to answer
      env: GO_ENVIRONMENT,
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
