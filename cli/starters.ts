import { helpOf, isSeveral, type SettingDescription } from "@transporter/sdk";
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { type CommandContext, type Example, examples } from "./command.ts";
import { addGlobals, LOCAL_GLOBALS } from "./globals.ts";
import type { OptionTable, Starters } from "./host.ts";
import { collect, onlyOnce } from "./options.ts";
import { readYamlFile } from "./yaml_file.ts";

/** How a command that runs a part of the system looks from outside. */
interface Starter {
  /** Which. */
  readonly name: keyof Starters;
  /** Its other name. */
  readonly alias?: string;
  /** One line, without a final period. */
  readonly summary: string;
  /** More about it. */
  readonly description: string;
  /** Other spellings of flags, without dashes. */
  readonly spellings?: Readonly<Record<string, string>>;
  /** Lines to type. */
  readonly examples: readonly Example[];
}

const STARTERS: readonly Starter[] = [
  {
    name: "cp",
    alias: "control-plane",
    summary: "run a control plane",
    description:
      "Run a control plane, until it is stopped. Events are safe once they are accepted: they are kept on disk.",
    examples: [
      ["For this machine only: no TLS, no tokens", "transporter cp --dev"],
      [
        "With its data in a folder of your own",
        "transporter cp --dev --data-dir ./data",
      ],
    ],
  },
  {
    name: "agent",
    summary: "run an agent in or beside a cluster",
    description:
      "Run an agent, until it is stopped, or with --once until nothing waits for it. It dials out to the control plane, so nothing has to reach it.",
    examples: [
      [
        "With the cluster of a context of your kubeconfig",
        "transporter agent --agent-id edge-7 --kube-context kind-edge",
      ],
      [
        "In a pod",
        "transporter agent --agent-id edge-7 --cp-url wss://cp.example.com/ws --in-cluster",
      ],
      [
        "In a cron job or a CI job: run what waits, and end",
        "transporter agent --once --agent-id edge-7 --kube-context kind-edge",
      ],
    ],
  },
  {
    name: "demo",
    summary: "see the whole work, in one command",
    description:
      "Run a control plane, an agent and a Kubernetes cluster, send an event, and show what became of it.",
    spellings: { "kube-context": "context" },
    examples: [
      ["With a cluster of its own", "transporter demo"],
      [
        "With the cluster of a context of your kubeconfig",
        "transporter demo --kube-context kind-edge",
      ],
    ],
  },
  {
    name: "migrate",
    summary: "move all events from one store to another",
    description:
      "Move a store: events, histories, agents and all numbers, so that agents go on as if nothing was. Every control plane that uses either store is stopped before. When it ends in the middle, the same line goes on where it was. The store that was moved stays, and is not opened any more.",
    examples: [
      [
        "From the file of one control plane to Redis, for several",
        "transporter migrate --from sqlite:transporter.db --to redis://redis.example.com",
      ],
      [
        "And back, into a new file",
        "transporter migrate --from redis://redis.example.com --to sqlite:again.db",
      ],
    ],
  },
];

/** What stands behind an option in help: where else its value may come from. */
function sourcesOf({ env, setting }: SettingDescription): string {
  const value = setting.default;
  const shown = value === undefined || value === "" || value === false
    ? ""
    : `default: ${Array.isArray(value) ? value.join(",") : value}, `;
  return `(${shown}env: ${env})`;
}

function addSetting(
  command: CommandUnknownOpts,
  described: SettingDescription,
  spelling: string | undefined,
): void {
  const { flag, placeholder, setting } = described;
  const flags = spelling === undefined ? flag : `--${spelling}, ${flag}`;
  // The choices follow by themselves.
  const what = setting.kind === "choice" ? setting.help : helpOf(setting);
  const help = `${what} ${sourcesOf(described)}`;
  if (setting.kind === "boolean") {
    command.addOption(new Option(flags, help));
    if (setting.default === true) {
      command.addOption(
        new Option(flag.replace("--", "--no-"), `turn ${flag} off`),
      );
    }
    return;
  }
  const option = new Option(`${flags} <${placeholder}>`, help);
  if (isSeveral(setting)) {
    option.argParser((value: string, previous: readonly string[] | undefined) =>
      collect(value, previous)
    );
  } else {
    option.argParser((value: string, previous: string | undefined) =>
      onlyOnce(flag, value, previous)
    );
  }
  // Its choices are checked by the table, as those of the environment are; here they are for completion.
  if (setting.kind === "choice") option.argChoices = [...setting.choices];
  command.addOption(option);
}

/** Flags as `Config.read()` takes them: those that were given, several of a list with commas taken apart. */
function flagsOf(
  command: CommandUnknownOpts,
  table: OptionTable,
): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const { name, setting } of table.settings) {
    if (command.getOptionValueSource(name) !== "cli") continue;
    const value: unknown = command.getOptionValue(name);
    flags[name] = isSeveral(setting) && Array.isArray(value)
      ? value.join(",")
      : value;
  }
  return flags;
}

function addStarter(
  program: CommandUnknownOpts,
  starter: Starter,
  context: CommandContext,
): void {
  const { host } = context;
  const { name, alias, spellings = {} } = starter;
  const table = {
    cp: host.cpConfig,
    agent: host.agentConfig,
    demo: host.demoConfig,
    migrate: host.migrateConfig,
  }[name];
  const command = program.command(name)
    .summary(starter.summary)
    .description(starter.description);
  if (alias !== undefined) command.alias(alias);
  for (const described of table.settings) {
    addSetting(command, described, spellings[described.key]);
  }
  command.option(
    "--config <FILE>",
    "YAML with the flags' names; flags and environment win over it",
    (value: string, previous: string | undefined) =>
      onlyOnce("--config", value, previous),
  ).action(async ({ config }, self) => {
    context.open(self); // refuses shared options that it does not know
    const file = config === undefined
      ? undefined
      : await readYamlFile(config, host.files);
    const flags = flagsOf(self, table);
    context.finish(await host.starters[name]({ flags, file }));
  });
  addGlobals(command, LOCAL_GLOBALS);
  examples(command, starter.examples);
}

/** Adds `cp`, `agent`, `demo` and `migrate`; their flags come from the tables of their settings. */
export function addStarters(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  for (const starter of STARTERS) addStarter(program, starter, context);
}
