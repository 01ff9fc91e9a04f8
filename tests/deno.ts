/**
 * Runs `deno test`, and reads what it came to.
 *
 * @module
 */

import { join } from "node:path";
import { ROOT } from "./files.ts";
import { brokenFiles, parseReport, type TestResult } from "./report.ts";

/** Options of {@linkcode denoTest}. */
export interface DenoTestOptions {
  /** The environment of the tests, whole. */
  readonly env: Readonly<Record<string, string>>;
  /** Files whose tests are not to run. */
  readonly leftOut: readonly string[];
  /** Part of the names of the tests to run. */
  readonly filter: string | undefined;
  /** Ends the tests. */
  readonly signal: AbortSignal;
}

/** What became of a run of `deno test`. */
export interface DenoTestOutcome {
  /** Whether `deno test` itself is satisfied. */
  readonly success: boolean;
  /** Every test it knew of; none if it did not come so far. */
  readonly results: readonly TestResult[];
  /** Files with an error outside their tests. */
  readonly broken: readonly string[];
}

/** Runs every test and the examples in docs with `deno test`, whose output goes through. */
export async function denoTest(
  { env, leftOut, filter, signal }: DenoTestOptions,
): Promise<DenoTestOutcome> {
  const dir = await Deno.makeTempDir({ prefix: "transporter-test-" });
  try {
    signal.throwIfAborted();
    const report = join(dir, "report.xml");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--allow-all",
        "--doc",
        "--parallel",
        "--shuffle",
        `--junit-path=${report}`,
        ...(env["CI"] ? ["--frozen"] : []),
        ...(leftOut.length > 0 ? [`--ignore=${leftOut.join(",")}`] : []),
        ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ],
      cwd: ROOT,
      clearEnv: true,
      env: {
        ...env,
        ...(Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : {}),
      },
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const end = () => child.kill("SIGINT");
    signal.addEventListener("abort", end);
    const [shown, kept] = child.stdout.tee();
    const [output] = await Promise.all([
      new Response(kept).text(),
      shown.pipeTo(Deno.stdout.writable, { preventClose: true }),
    ]);
    const { success } = await child.status;
    signal.removeEventListener("abort", end);
    return {
      success,
      results: parseReport(await readIfThere(report)),
      broken: brokenFiles(output),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
