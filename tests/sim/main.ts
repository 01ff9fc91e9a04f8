/**
 * `deno task sim`: runs seeds, and says what they broke.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import { TransporterError } from "@transporter/sdk";
import process from "node:process";
import { formatVerdict } from "../history/judge.ts";
import { formatFailure, type Tally } from "./batch.ts";
import { findMutant, listMutants, lookForMutants } from "./mutants/command.ts";
import { type Command, readOptions, USAGE } from "./options.ts";
import { runSeeds } from "./pool.ts";
import { Progress } from "./progress.ts";
import { runSeed } from "./run.ts";

async function main(args: readonly string[]): Promise<number> {
  const command = readOptions(args, navigator.hardwareConcurrency);
  switch (command.kind) {
    case "help":
      console.log(USAGE);
      return 0;
    case "trace":
      return await trace(command);
    case "run":
      return await run(command);
    case "list":
      console.log(listMutants(command));
      return 0;
    case "mutants":
      return await lookForMutants(command);
  }
}

async function trace(
  { seed, mutant, replicas, wire }: Extract<Command, { kind: "trace" }>,
): Promise<number> {
  const planted = mutant === undefined ? undefined : findMutant(mutant);
  const { hash, verdict } = await runSeed({
    seed,
    replicas: replicas ?? planted?.replicas,
    wire: wire ?? planted?.wire,
    ...(planted === undefined ? {} : { plant: planted.plant() }),
    trace: console.log.bind(console),
  });
  console.log(`seed ${seed}, hash ${hash}\n${formatVerdict(verdict)}`);
  return verdict.violations.length === 0 ? 0 : 1;
}

async function run(
  { from, seeds, jobs, replicas, wire }: Extract<Command, { kind: "run" }>,
): Promise<number> {
  const startedAt = performance.now();
  const before = cpuSeconds();
  using progress = new Progress(seeds);
  const tally = await runSeeds({
    from,
    seeds,
    jobs,
    replicas,
    wire,
    progress: ({ seeds, failures }) =>
      progress.show(seeds, `${failures.length} failed`),
    failed(failure) {
      progress.clear();
      console.log(formatFailure(failure));
    },
  });
  progress.clear();
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuSeconds() - before;
  console.log(summary(tally, { from, seconds, cpuSeconds: cpu }));
  return tally.failures.length === 0 ? 0 : 1;
}

/** What this process took of the processor so far, on all cores together. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

function summary(
  tally: Tally,
  { from, seconds, cpuSeconds }: {
    readonly from: number;
    readonly seconds: number;
    readonly cpuSeconds: number;
  },
): string {
  const { seeds, failures, accepted, starts, faults, simulatedMs } = tally;
  const hours = simulatedMs / 3_600_000;
  return [
    `${seeds} seeds from ${from}: ${failures.length} with violations`,
    `${accepted} events accepted, ${starts} starts, ${faults} faults, ${
      hours.toFixed(1)
    } simulated hours`,
    `${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(0)} seeds/s; ${
      cpuSeconds.toFixed(1)
    } s of CPU, ${(seeds / cpuSeconds).toFixed(0)} seeds/s on one core`,
  ].join("\n");
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    if (!(error instanceof TransporterError)) throw error;
    console.error(error.message);
    Deno.exitCode = error.exit;
  }
}
