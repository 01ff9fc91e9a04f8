/**
 * `deno task test`: sets up what is missing, then runs every test there is.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for

import { TransporterError } from "@transporter/sdk";
import { parseArgs } from "node:util";
import { denoTest } from "./deno.ts";
import { filesThatNeed, SERVER_PARTS } from "./files.ts";
import { summary, type TestResult } from "./report.ts";
import { type Part, PARTS, type Setup, setUp } from "./setup.ts";

const USAGE = `deno task test [--without ${PARTS.join(",")}] [NAME]`;

/** What the command line asks for. */
export interface RunOptions {
  /** The parts to go without. */
  readonly without: ReadonlySet<Part>;
  /** Part of the names of the tests to run; every test unless given. */
  readonly filter: string | undefined;
}

/**
 * Reads the command line.
 *
 * @throws {TransporterError} `usage` if it is not as `USAGE` says.
 */
export function readArgs(args: readonly string[]): RunOptions {
  const { values, positionals } = parse(args);
  const without = new Set<Part>();
  for (const name of values.without.flatMap((names) => names.split(","))) {
    const part = PARTS.find((part) => part === name);
    if (part === undefined) {
      throw new TransporterError(
        "usage",
        `Cannot go without "${name}" as the parts are ${PARTS.join(", ")}`,
      );
    }
    without.add(part);
  }
  if (positionals.length > 1) {
    throw new TransporterError(
      "usage",
      `Cannot look for ${positionals.length} names at once: ${USAGE}`,
    );
  }
  return { without, filter: positionals[0] };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        without: { type: "string", multiple: true, default: [] as string[] },
      },
    });
  } catch (cause) {
    throw new TransporterError(
      "usage",
      `Cannot read the command line: ${USAGE}`,
      { cause },
    );
  }
}

/** Why a test that was to run did not. */
function reasonOf({ file, name }: TestResult, setup: Setup): string {
  if (
    /\((bwrap|namespaces)\)$/.test(name) || file.startsWith("tests/script/")
  ) {
    return setup.skipped.get("scripts") ??
      "this way of confining scripts does not work here";
  }
  if (/\((zsh|fish)\)$/.test(name)) {
    return setup.skipped.get("shells") ?? "there is no such shell";
  }
  const pods = setup.skipped.get("pods");
  return pods !== undefined && /\bpods\b/i.test(`${file} ${name}`)
    ? pods
    : "its file says why";
}

/**
 * Sets up, runs, and says what it came to. A file that was left out, and an
 * error outside of tests, count as one test.
 *
 * @param options What to run.
 * @param signal Ends the tests, and what was set up for them.
 * @returns The exit code: 0 if something ran and nothing failed.
 */
export async function run(
  options: RunOptions,
  signal: AbortSignal,
): Promise<number> {
  const { without, filter } = options;
  await using setup = await setUp({
    without,
    environment: Deno.env.toObject(),
    signal,
  });
  /** Files that are not run, and the parts they would need. */
  const partOf = new Map<string, Part>();
  for (const part of SERVER_PARTS) {
    if (!without.has(part)) continue;
    for (const file of await filesThatNeed(part)) partOf.set(file, part);
  }
  const leftOut = [...partOf.keys()];
  const ran = await denoTest({ env: setup.env, leftOut, filter, signal });
  signal.throwIfAborted();

  // What was not reached was filtered out, or something broke the run off.
  const results: TestResult[] = ran.results.flatMap((result) => {
    if (result.outcome !== "unreached") return result;
    return filter === undefined ? { ...result, outcome: "failed" } : [];
  });
  function add(file: string, name: string, outcome: TestResult["outcome"]) {
    results.push({ file, name, outcome });
  }
  for (const file of ran.broken) {
    add(file, "an error outside its tests", "failed");
  }
  if (filter === undefined) {
    for (const file of leftOut) add(file, "the file as a whole", "skipped");
  }
  const count = (outcome: TestResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  if (!ran.success && count("failed") === 0) {
    add("deno test", "ended with an error, see above", "failed");
  }
  if (count("passed") + count("failed") === 0) {
    add("deno test", `nothing ran that matches "${filter ?? ""}"`, "failed");
  }

  for (const result of results) {
    const { file, name, outcome } = result;
    if (outcome === "failed") console.log(`failed: ${file}: ${name}`);
    if (outcome === "skipped") {
      const part = partOf.get(file);
      const why = part === undefined
        ? reasonOf(result, setup)
        : setup.skipped.get(part);
      console.log(`skipped: ${file}: ${name} (${why})`);
    }
  }
  console.log(summary(results));
  return count("failed") === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const interrupted = new AbortController();
  const end = () =>
    interrupted.abort(new TransporterError("cancelled", "Interrupted"));
  Deno.addSignalListener("SIGINT", end);
  Deno.addSignalListener("SIGTERM", end);
  try {
    return await run(readArgs(Deno.args), interrupted.signal);
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    console.error(error.message);
    return error.exit;
  } finally {
    Deno.removeSignalListener("SIGINT", end);
    Deno.removeSignalListener("SIGTERM", end);
  }
}

if (import.meta.main) Deno.exit(await main());
