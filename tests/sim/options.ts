import { TransporterError } from "@transporter/sdk";
import { parseArgs } from "node:util";

/** How to use it. */
export const USAGE = `\
Usage: deno task sim [options]

Runs the core of control plane and agent through seeds: on simulated clocks,
networks, disks and stores, with faults of all kinds, and judges what came of it.
The same seed does the same thing each time.

  --seeds N     how many seeds (default 1000)
  --from K      the first one (default 1)
  --jobs J      how many at the same time (default: one for each core)
  --trace SEED  runs one seed, and prints all that happens in it
  --help        prints this

Exit codes: 0 all is well; 1 something was violated; 2 wrong use.`;

/** What to do. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "trace"; readonly seed: number }
  | {
    readonly kind: "run";
    readonly from: number;
    readonly seeds: number;
    readonly jobs: number;
  };

/**
 * Reads the command line.
 *
 * @param args What was typed.
 * @param cores How many cores there are.
 * @throws {TransporterError} `usage`.
 */
export function readOptions(args: readonly string[], cores: number): Command {
  const { values } = parse(args);
  if (values.help) return { kind: "help" };
  if (values.trace !== undefined) {
    const others = ["seeds", "from", "jobs"] as const;
    const other = others.find((name) => values[name] !== undefined);
    if (other !== undefined) {
      throw usage(`--trace runs one seed, and --${other} is about several`);
    }
    return { kind: "trace", seed: whole("trace", values.trace, 0) };
  }
  return {
    kind: "run",
    from: whole("from", values.from ?? "1", 0),
    seeds: whole("seeds", values.seeds ?? "1000", 1),
    jobs: whole("jobs", values.jobs ?? String(cores), 1),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seeds: { type: "string" },
        from: { type: "string" },
        jobs: { type: "string" },
        trace: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (cause) {
    throw usage(
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  }
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) {
    return value;
  }
  throw usage(`--${name} must be a whole number from ${min}, not "${text}"`);
}

function usage(problem: string, cause?: unknown): TransporterError {
  const what = problem.replace(/\.$/, "");
  return new TransporterError(
    "usage",
    `Cannot simulate as ${what}: deno task sim --help`,
    { cause },
  );
}
