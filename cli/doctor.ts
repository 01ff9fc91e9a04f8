import { ERROR_CODES } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { type CommandContext, examples } from "./command.ts";
import { examine, type Finding } from "./doctor_checks.ts";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import type { Style } from "./paint.ts";
import { pad, safe } from "./text.ts";

const STYLES: Readonly<Record<Finding["result"], Style>> = {
  ok: "good",
  warning: "warn",
  failed: "bad",
};

/** One line; never cut, since the cure is at its end. */
function lineOf(
  { check, result, message, cure }: Finding,
  invocation: Invocation,
): string {
  const word = invocation.paint(result, STYLES[result]) +
    pad("", 9 - result.length);
  const what = cure === undefined ? message : `${message}: ${cure}`;
  return `${word}${pad(check, 15)}${safe(what)}\n`;
}

/** Adds `doctor`. */
export function addDoctor(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = program.command("doctor")
    .summary("check what commands need, and say what to do")
    .description(
      "Check what commands need, one line each, with what to do where something is wrong. Exit code 3 when a check fails.",
    )
    .action(async (_, self) => {
      const invocation = context.open(self);
      const findings: Finding[] = [];
      for await (const finding of examine(invocation)) {
        findings.push(finding);
        if (invocation.isTable) invocation.print(lineOf(finding, invocation));
      }
      if (!invocation.isTable) invocation.printValue({ checks: findings });
      const isBad = findings.some(({ result }) => result === "failed");
      context.finish(isBad ? ERROR_CODES.unavailable.exit : 0);
    });
  addGlobals(command, CLIENT_GLOBALS, ["table", "json", "yaml"]);
  examples(command, [
    ["Check the control plane on this machine", "transporter doctor"],
    ["Check another one", "transporter doctor --cp-url https://cp.example.com"],
  ]);
}
