import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { VERSION } from "@transporter/sdk";
import { addAgentCommands } from "./agent_commands.ts";
import { addCancel } from "./cancel.ts";
import type { CommandContext } from "./command.ts";
import { addCompletion } from "./completion.ts";
import { addDescribe } from "./describe.ts";
import { addDoctor } from "./doctor.ts";
import { addGet } from "./get.ts";
import {
  addGlobals,
  addGroupGlobals,
  helpOption,
  LOCAL_GLOBALS,
} from "./globals.ts";
import { addLogs } from "./logs.ts";
import { addPlugin } from "./plugin_commands.ts";
import { addRbac } from "./rbac.ts";
import { addRetry } from "./retry_event.ts";
import { addSendEvent } from "./send_event.ts";
import { addSendK8s } from "./send_k8s.ts";
import { addSendPolicy } from "./send_policy.ts";
import { addSendScript } from "./send_script.ts";
import { addStarters } from "./starters.ts";
import { examples } from "./command.ts";
import { missingCommand, usageOf } from "./usage.ts";

/** What commander throws when it has done what was asked, such as showing help. */
export class Done extends Error {}

/** How wide help is where nobody says how wide lines may be. */
const HELP_COLUMNS = 80;

/** Columns beside long options in which help is still wrapped; with fewer it is one long line. */
const LEAST_HELP_COLUMNS = 24;

function addSend(program: CommandUnknownOpts, context: CommandContext): void {
  const group = program.command("send")
    .summary("send events to agents")
    .description("Send events to agents.");
  addGroupGlobals(group);
  addSendK8s(group, context);
  addSendScript(group, context);
  addSendPolicy(group, context);
  addSendEvent(group, context);
  examples(group, [
    [
      "Apply manifests in the cluster of an agent",
      "transporter send k8s -f namespace.yaml --agent edge-7 --wait",
    ],
    [
      "Run a script beside an agent, and see what it writes",
      "transporter send script -f check.sh --agent edge-7 --logs",
    ],
    [
      "Judge the Pods of an agent's cluster by policies",
      "transporter send policy -f policies/ --agent edge-7 --kind Pod",
    ],
    [
      "Send an event as it is in a file",
      "transporter send event -f event.yaml",
    ],
  ]);
}

function addVersion(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = program.command("version")
    .summary("show the version of this program")
    .description("Show the version of this program.")
    .action((_, self) => {
      context.open(self);
      context.host.stdout.write(`transporter ${VERSION}\n`);
    });
  addGlobals(command, LOCAL_GLOBALS);
  examples(command, [["Which version this is", "transporter version"]]);
}

/** Commander's own goes one level down only. */
function addHelp(program: CommandUnknownOpts): void {
  const command = program.command("help")
    .summary("show help for a command")
    .description("Show help for a command.")
    .argument("[COMMAND...]", "its name, such as send k8s")
    .action((words) => {
      let found = program;
      for (const word of words) {
        const next = found.commands.find((each) =>
          each.name() === word || each.aliases().includes(word)
        );
        if (next === undefined) throw missingCommand(found, word);
        found = next;
      }
      found.outputHelp();
    });
  examples(command, [["How to send manifests", "transporter help send k8s"]]);
}

/** Commander neither ends the process nor writes by itself: whatever stops it is thrown. */
function tame(command: CommandUnknownOpts): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw new Done();
    throw error.code === "commander.help"
      ? missingCommand(command)
      : usageOf(error, command);
  });
  command.helpCommand(false);
  for (const each of command.commands) tame(each);
}

/** The command tree; `completion` is left out where it is itself made from the tree. */
export function buildProgram(
  context: CommandContext,
  options: { readonly completion: boolean },
): CommandUnknownOpts {
  const { stdout, stderr } = context.host;
  const program: CommandUnknownOpts = new Command("transporter")
    .description(
      "Send events to agents in clusters that nobody can dial into, and see what became of them.",
    )
    .addHelpOption(helpOption())
    .configureHelp({
      minWidthToWrap: LEAST_HELP_COLUMNS,
      subcommandTerm: (command) => {
        const words = command.registeredArguments.map((each) =>
          `<${each.name()}>`
        );
        return [[command.name(), ...command.aliases()].join(", "), ...words]
          .join(" ");
      },
    })
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: () => {}, // help in place of an error: the error is a sentence of its own
      outputError: () => {},
      getOutHelpWidth: () => stdout.columns ?? HELP_COLUMNS,
      getErrHelpWidth: () => stderr.columns ?? HELP_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addGroupGlobals(program);
  addStarters(program, context);
  addSend(program, context);
  addGet(program, context);
  addDescribe(program, context);
  addLogs(program, context);
  addCancel(program, context);
  addRetry(program, context);
  addAgentCommands(program, context);
  addPlugin(program, context);
  addRbac(program, context);
  addDoctor(program, context);
  if (options.completion) {
    addCompletion(
      program,
      context,
      () => buildProgram(context, { completion: false }),
    );
  }
  addVersion(program, context);
  addHelp(program);
  program.version(
    `transporter ${VERSION}`,
    "--version",
    "show the version of this program",
  );
  examples(program, [
    [
      "A control plane for this machine, and an agent beside a cluster",
      "transporter cp --dev",
      "transporter agent --agent-id edge-7 --kube-context kind-edge",
    ],
    [
      "Apply a manifest there, and follow what happens",
      "transporter send k8s -f namespace.yaml --agent edge-7 --wait",
    ],
    ["What happened lately", "transporter get events --since 1h"],
    [
      "What else a command can do",
      "transporter send k8s --help",
    ],
  ]);
  tame(program);
  return program;
}
