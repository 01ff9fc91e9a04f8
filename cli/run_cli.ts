import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CommandContext } from "./command.ts";
import { complete } from "./completion.ts";
import { globalsOf } from "./globals.ts";
import type { Host } from "./host.ts";
import { Invocation } from "./invocation.ts";
import { paintFor } from "./paint.ts";
import { buildProgram, Done } from "./program.ts";
import { report } from "./report.ts";

/** Whoever read the output has seen enough, as with `transporter get events | head`. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "BrokenPipe" || "code" in error && error.code === "EPIPE");
}

/** Before the command is known, flags are all there is to go by. */
function reportEarly(
  error: unknown,
  args: readonly string[],
  host: Host,
): number {
  return report(error, {
    stderr: host.stderr,
    paint: paintFor(host.stderr, {
      env: host.env,
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
    return invocation?.fail(error) ?? reportEarly(error, args, host);
  }
}
