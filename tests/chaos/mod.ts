/**
 * `deno task chaos`: a run with real processes and real faults, judged by the
 * checkers of `tests/history/`. See `--help`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for

import { TransporterError } from "@transporter/sdk";
import { type ChaosOptions, readArgs, USAGE } from "./options.ts";
import { isGood, toJson, toTable } from "./report.ts";
import { run } from "./run.ts";

async function main(): Promise<number> {
  const interrupted = new AbortController();
  const end = () =>
    interrupted.abort(new TransporterError("cancelled", "Interrupted"));
  Deno.addSignalListener("SIGINT", end);
  Deno.addSignalListener("SIGTERM", end);
  try {
    const options = readArgs(Deno.args, Math.random);
    if (options === undefined) {
      console.log(USAGE);
      return 0;
    }
    return await show(options, interrupted.signal);
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    console.error(error.message);
    return error.exit;
  } finally {
    Deno.removeSignalListener("SIGINT", end);
    Deno.removeSignalListener("SIGTERM", end);
  }
}

async function show(
  options: ChaosOptions,
  signal: AbortSignal,
): Promise<number> {
  const folder = await makeFolder(options.folder);
  console.error(`chaos: seed ${options.seed}, in "${folder}"`);
  const outcome = await run(options, {
    folder,
    progress: (line) => console.error(`chaos: ${line}`),
    signal,
  });
  const good = isGood(outcome);
  const kept = !good || options.folder !== undefined;
  if (!kept) await Deno.remove(folder, { recursive: true });
  const shown = { ...outcome, path: kept ? outcome.path : undefined };
  console.log(options.output === "json" ? toJson(shown) : toTable(shown));
  return good ? 0 : 1;
}

/** Makes the folder of the run, which has to be empty. */
async function makeFolder(named: string | undefined): Promise<string> {
  if (named === undefined) {
    return await Deno.makeTempDir({ prefix: "transporter-chaos-" });
  }
  try {
    await Deno.mkdir(named, { recursive: true });
    for await (const _ of Deno.readDir(named)) {
      throw new TransporterError(
        "usage",
        `Cannot use the folder "${named}" as it is not empty`,
      );
    }
  } catch (error) {
    if (error instanceof TransporterError) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    throw new TransporterError(
      "usage",
      `Cannot use the folder "${named}": ${problem}`,
      { cause: error },
    );
  }
  return await Deno.realPath(named);
}

if (import.meta.main) Deno.exitCode = await main();
