import { TransporterError } from "@transporter/sdk";
import { parseArgs } from "node:util";
import { type WireName, WIRES } from "./medium.ts";

/** How to use it. */
export const USAGE = `\
Usage: deno task sim [options]
       deno task sim --mutants [NAME...]

Runs the core of control plane and agent through seeds: on simulated clocks,
networks, disks and stores, with faults of all kinds, and judges what came of it.
The same seed does the same thing each time.

  --seeds N     how many seeds (default 1000)
  --from K      the first one (default 1)
  --jobs J      how many at the same time (default: one for each core)
  --replicas R  how many control planes share a store: 1 (default) or 2
  --wire WIRE   what carries the frames of agents: socket (default), poll, sse,
                nats, or any: each seed has one of them
  --trace SEED  runs one seed, and prints all that happens in it
  --mutants     plants faults into the program, those that are named or all of
                them, each by itself, and looks whether the guarantee that it
                breaks is seen to be broken within so many seeds
  --list        prints the mutants that there are
  --search      looks for rare mutants anew, instead of in recorded seeds only
  -o, --output  "table" or "json", of mutants (default table)
  --help        prints this

With --mutants, --from and --seeds say where to look for each, and --trace SEED
shows a seed with one mutant planted.

Exit codes: 0 all is well; 1 something was violated, or a mutant was not caught;
2 wrong use.`;

/** What to do. */
export type Command =
  | { readonly kind: "help" }
  | {
    readonly kind: "trace";
    readonly seed: number;
    /** What is planted, if anything is. */
    readonly mutant?: string;
    /** How many control planes, if that is said. */
    readonly replicas?: 1 | 2;
    /** What carries frames, if that is said. */
    readonly wire?: WireName | "any";
  }
  | {
    readonly kind: "run";
    readonly from: number;
    readonly seeds: number;
    readonly jobs: number;
    /** How many control planes, if that is said. */
    readonly replicas?: 1 | 2;
    /** What carries frames, if that is said. */
    readonly wire?: WireName | "any";
  }
  | { readonly kind: "list"; readonly output: Output }
  | {
    readonly kind: "mutants";
    /** Their names; none for all of them. */
    readonly names: readonly string[];
    /** The first seed. */
    readonly from: number;
    /** How many at most; absent: as many as each has. */
    readonly seeds?: number;
    /** Not only in recorded seeds. */
    readonly search: boolean;
    readonly jobs: number;
    readonly output: Output;
  };

/** How something is printed. */
export type Output = "table" | "json";

/**
 * Reads the command line.
 *
 * @param args What was typed.
 * @param cores How many cores there are.
 * @throws {TransporterError} `usage`.
 */
export function readOptions(args: readonly string[], cores: number): Command {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: "help" };
  const mutants = values.mutants === true;
  const [stray] = positionals;
  if (!mutants && stray !== undefined) {
    throw usage(`"${stray}" can only be the name of a mutant, after --mutants`);
  }
  const strange = (["list", "search", "output"] as const).find((name) =>
    values[name] !== undefined
  );
  if (!mutants && strange !== undefined) {
    throw usage(`--${strange} is about mutants: put --mutants before it`);
  }
  const output = outputOf(values.output ?? "table");
  if (values.list) return { kind: "list", output };
  if (values.trace !== undefined) return traceOf(values, positionals);
  const jobs = whole("jobs", values.jobs ?? String(cores), 1);
  const from = whole("from", values.from ?? "1", 0);
  if (!mutants) {
    return {
      kind: "run",
      from,
      seeds: whole("seeds", values.seeds ?? "1000", 1),
      jobs,
      ...replicasOf(values),
      ...wireOf(values),
    };
  }
  if (values.replicas !== undefined) {
    throw usage("--replicas is not about mutants: each says so itself");
  }
  if (values.wire !== undefined) {
    throw usage("--wire is not about mutants: each says so itself");
  }
  const anew = values.from !== undefined || values.seeds !== undefined;
  return {
    kind: "mutants",
    names: positionals,
    from,
    ...(values.seeds === undefined
      ? {}
      : { seeds: whole("seeds", values.seeds, 1) }),
    search: values.search === true || anew,
    jobs,
    output,
  };
}

function traceOf(
  values: ReturnType<typeof parse>["values"],
  names: readonly string[],
): Command {
  const others = ["seeds", "from", "jobs", "search", "output"] as const;
  const other = others.find((name) => values[name] !== undefined);
  if (other !== undefined) {
    throw usage(`--trace runs one seed, and --${other} is about several`);
  }
  const seed = whole("trace", values.trace ?? "", 0);
  const setting = { ...replicasOf(values), ...wireOf(values) };
  if (!values.mutants) return { kind: "trace", seed, ...setting };
  const [mutant, ...more] = names;
  if (mutant === undefined || more.length > 0) {
    throw usage("--trace shows one mutant: name it");
  }
  return { kind: "trace", seed, mutant, ...setting };
}

function replicasOf(
  { replicas }: ReturnType<typeof parse>["values"],
): { readonly replicas?: 1 | 2 } {
  if (replicas === undefined) return {};
  if (replicas === "1") return { replicas: 1 };
  if (replicas === "2") return { replicas: 2 };
  throw usage(`--replicas must be 1 or 2, not "${replicas}"`);
}

function wireOf(
  { wire }: ReturnType<typeof parse>["values"],
): { readonly wire?: WireName | "any" } {
  if (wire === undefined) return {};
  const found = ([...WIRES, "any"] as const).find((name) => name === wire);
  if (found !== undefined) return { wire: found };
  throw usage(`--wire must be ${WIRES.join(", ")} or any, not "${wire}"`);
}

function outputOf(text: string): Output {
  if (text === "table" || text === "json") return text;
  throw usage(`--output must be "table" or "json", not "${text}"`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seeds: { type: "string" },
        from: { type: "string" },
        jobs: { type: "string" },
        replicas: { type: "string" },
        wire: { type: "string" },
        trace: { type: "string" },
        mutants: { type: "boolean" },
        list: { type: "boolean" },
        search: { type: "boolean" },
        output: { type: "string", short: "o" },
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
