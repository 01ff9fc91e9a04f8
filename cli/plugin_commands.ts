import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { type CommandContext, examples } from "./command.ts";
import { addGlobals, addGroupGlobals, LOCAL_GLOBALS } from "./globals.ts";
import { matching } from "./kube_options.ts";
import { onlyOnce } from "./options.ts";
import { addPluginCheck } from "./plugin_check.ts";
import type { PluginView } from "./plugin_desk.ts";
import { addPluginRun } from "./plugin_run.ts";
import { type Column, Table } from "./table.ts";
import { safe } from "./text.ts";
import { readYamlFile } from "./yaml_file.ts";

const NAME_REGEXP = /^[a-z][a-z0-9_-]{0,62}$/;

const COLUMNS: readonly Column<PluginView>[] = [
  { name: "TYPE", cell: ({ type }) => type, whole: true },
  { name: "VERSION", cell: ({ version }) => version },
  { name: "RUNS", cell: ({ runs }) => runs, whole: true },
  { name: "PLUGIN", cell: ({ plugin }) => plugin, whole: true },
  {
    name: "MODULES",
    cell: ({ modules }) => modules === undefined ? "" : String(modules),
  },
  {
    name: "INTEGRITY",
    cell: ({ integrity = "" }) => integrity,
    whole: true,
  },
];

function addNew(parent: CommandUnknownOpts, context: CommandContext): void {
  const command = parent.command("new")
    .summary("make a plugin to begin with")
    .description(
      "Make a folder with a plugin to begin with: a module of twenty lines, its test, and an event for it.",
    )
    .argument(
      "<NAME>",
      "of the folder and of the type of event",
      matching("NAME", NAME_REGEXP, 'a name such as "greet"'),
    )
    .action(async (name, _, self) => {
      const invocation = context.open(self);
      const paths = await context.host.plugins.create(name);
      for (const path of paths) invocation.print(`${safe(path)}\n`);
    });
  addGlobals(command, LOCAL_GLOBALS);
  examples(command, [[
    "A plugin for events of type greet, and its test",
    "transporter plugin new greet",
    "(cd greet && deno test)",
  ]]);
}

function addList(parent: CommandUnknownOpts, context: CommandContext): void {
  const command = parent.command("list")
    .summary("list plugins, with the hashes that pin them")
    .description(
      "List plugins: those that ship, those of an agent's configuration file, and those that are named here. " +
        "INTEGRITY is a hash over every module that a plugin loads: SPEC#HASH pins it.",
    )
    .argument("[SPEC...]", "plugins: paths, URLs, npm: or jsr:")
    .option(
      "--config <FILE>",
      "the configuration file of an agent",
      (value: string, previous: string | undefined) =>
        onlyOnce("--config", value, previous),
    )
    .action(async (specs, flags, self) => {
      const invocation = context.open(self);
      const { host } = invocation;
      const file = flags.config === undefined
        ? undefined
        : await readYamlFile(flags.config, host.files);
      const views = await host.plugins.list({ specs, file });
      if (invocation.isValue) return invocation.printValue(views);
      const table = new Table(COLUMNS, invocation.tableOptions);
      invocation.print(table.head(views));
    });
  addGlobals(command, [...LOCAL_GLOBALS, "output"], ["table", "json", "yaml"]);
  examples(command, [
    ["What ships", "transporter plugin list"],
    ["The hash that pins a plugin", "transporter plugin list greet/mod.ts"],
    [
      "What an agent is configured with",
      "transporter plugin list --config agent.yaml",
    ],
  ]);
}

/** Adds `plugin`. */
export function addPlugin(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const group = program.command("plugin")
    .summary("make and try plugins of your own")
    .description("Make and try plugins of your own.");
  addGroupGlobals(group);
  addNew(group, context);
  addPluginRun(group, context);
  addPluginCheck(group, context);
  addList(group, context);
  examples(group, [[
    "A plugin for events of type greet, run once",
    "transporter plugin new greet",
    "transporter plugin run greet/mod.ts -f greet/event.yaml",
  ]]);
}
