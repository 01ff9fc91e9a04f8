/**
 * `deno task compile [TARGET…]`: stand-alone binaries in `dist/`, for every
 * platform unless some are named. Deno downloads the runtime of each target.
 *
 * @module
 */

import { AGENT_FLAGS } from "./agent_flags.ts";

const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

async function compile(target: string): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--allow-all",
      ...AGENT_FLAGS, // a binary has one setting for all commands, and these cost the others nothing
      `--target=${target}`,
      `--output=dist/transporter-${target}`,
      "main.ts",
    ],
    cwd: decodeURIComponent(new URL("../", import.meta.url).pathname),
    stdin: "null",
  }).spawn().status;
  return success;
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((target) => !TARGETS.includes(target));
  if (unknown !== undefined) {
    // deno-lint-ignore no-console -- a command says what is wrong with it
    console.error(
      `Cannot compile for "${unknown}" as the targets are ${
        TARGETS.join(", ")
      }`,
    );
    return 2;
  }
  for (const target of args.length > 0 ? args : TARGETS) {
    if (!await compile(target)) return 1;
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
