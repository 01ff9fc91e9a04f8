import config from "../deno.json" with { type: "json" };

/** What the runtime of an agent is started with, such as `--v8-flags=…`: what `deno task agent` has. */
export const AGENT_FLAGS: readonly string[] = flagsIn(
  config.tasks.agent.command,
);

function flagsIn(command: string): readonly string[] {
  const flags = command.match(/--v8-flags=\S+/g);
  if (flags === null) throw new Error(`Cannot find V8 flags in "${command}"`);
  return flags;
}
