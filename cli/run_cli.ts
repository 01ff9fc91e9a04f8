import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CommandContext } from "./command.ts";
import { complete } from "./completion.ts";
import { globalsOf } from "./globals.ts";
import type { Host, Machine } from "./host.ts";
import { Invocation } from "./invocation.ts";
import { paintFor } from "./paint.ts";
import { buildProgram, Done } from "./program.ts";
import { report } from "./report.ts";

/** Whoever read the output has seen enough, as with `transporter get events | head`. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "BrokenPipe" || "code" in error && error.code === "EPIPE");
}

/**
 * Shows an error as commands do, for whoever has no command that could: flags
 * are all there is to go by.
 *
 * @param error What was thrown.
 * @param args What was typed after the program's name.
 * @param machine Where it is shown.
 * @returns The exit code.
 */
export function reportError(
  error: unknown,
  args: readonly string[],
  machine: Machine,
): number {
  return report(error, {
    stderr: machine.stderr,
    paint: paintFor(machine.stderr, {
      env: machine.env,
      color: !args.includes("--no-color"),
    }),
    verbose: args.includes("-v") || args.includes("--verbose"),
  });
}

/**
 * Runs a command.
 *
 * Writes results to standard output, everything else to standard error, and
 * never ends the process.
 *
 * @param args What was typed after the program's name.
 * @param host Everything outside.
 * @returns The exit code: 0 done; 1 the event failed, expired or was cancelled; 2 usage; 3 the
 * environment; 4 refused; 5 timeout, outcome unknown.
 */
export async function runCli(
  args: readonly string[],
  host: Host,
): Promise<number> {
  let code = 0;
  let invocation: Invocation | undefined;
  const context: CommandContext = {
    host,
    open(command: CommandUnknownOpts) {
      invocation = new Invocation(host, globalsOf(command));
      return invocation;
    },
    finish(exit) {
      code = exit;
    },
  };
  try {
    if (args[0] === "complete" && args[1] === "--") {
      const program = buildProgram(context, { completion: false });
      return await complete(args.slice(2), program, host);
    }
    const program = buildProgram(context, { completion: true });
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof Done || isClosedPipe(error)) return code;
    return invocation?.fail(error) ?? reportError(error, args, host);
  }
}
