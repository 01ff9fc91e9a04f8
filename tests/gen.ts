/**
 * `deno task gen`: writes the reference pages and the JSON Schemas out of the
 * tables they describe. With `--check` it writes nothing, and fails if a file
 * differs from what it would write.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for

import { config as agentConfig } from "@transporter/agent/config";
import { config as cpConfig, migrateConfig } from "@transporter/cp/config";
import { dirname, extname } from "node:path";
import { demoConfig } from "../program/demo_config.ts";
import { ROOT } from "./files.ts";
import {
  errorsPage,
  eventsPage,
  framesPage,
  pluginApiPage,
  settingsPage,
} from "./gen/pages.ts";
import { optionsPage } from "./gen/options.ts";
import { rightsManifests } from "./gen/rights.ts";
import { k8sResourceSchema } from "./gen/schemas.ts";
import { policyPage, policySchema } from "./gen/policy.ts";
import { scriptPage, scriptSchema } from "./gen/script.ts";

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

/** Every generated file, by its path from the root. */
async function generate(): Promise<Readonly<Record<string, string>>> {
  return {
    "docs/reference/agent.md": settingsPage(
      "Settings of an agent",
      agentConfig,
    ),
    "docs/reference/cp.md": settingsPage(
      "Settings of the control plane",
      cpConfig,
    ),
    "docs/reference/demo.md": settingsPage("Settings of the demo", demoConfig),
    "docs/reference/migrate.md": settingsPage(
      "Settings of a move between stores",
      migrateConfig,
    ),
    "docs/reference/errors.md": errorsPage(),
    "docs/reference/events.md": await eventsPage(),
    "docs/reference/frames.md": await framesPage(),
    "docs/reference/k8s_resource.md": optionsPage(),
    "docs/reference/policy.md": policyPage(),
    "docs/reference/script.md": scriptPage(),
    "docs/reference/plugin_api.md": await pluginApiPage(),
    ...rightsManifests(),
    "deploy/schema/agent.json": json(agentConfig.jsonSchema()),
    "deploy/schema/cp.json": json(cpConfig.jsonSchema()),
    "deploy/schema/demo.json": json(demoConfig.jsonSchema()),
    "deploy/schema/migrate.json": json(migrateConfig.jsonSchema()),
    "deploy/schema/k8s_resource.json": json(k8sResourceSchema()),
    "deploy/schema/policy.json": json(policySchema()),
    "deploy/schema/script.json": json(scriptSchema()),
  };
}

/** Formats a text as `deno fmt` does, so that both agree on the file. */
async function format(path: string, text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", `--ext=${extname(path).slice(1)}`, "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`Cannot format "${path}"`);
  return new TextDecoder().decode(stdout);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Says where two texts part, by their first lines that differ. */
export function firstDifference(
  wanted: string,
  found: string | undefined,
): string | undefined {
  if (found === undefined) return "is missing";
  if (wanted === found) return undefined;
  const [want, have] = [wanted.split("\n"), found.split("\n")];
  const at = want.findIndex((line, i) => line !== have[i]);
  const line = at === -1 ? want.length : at;
  return `differs in line ${line + 1}:\n  - ${have[line] ?? "(its end)"}\n  + ${
    want[line] ?? "(its end)"
  }`;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 1 || args.some((arg) => arg !== "--check")) {
    console.error("Cannot read the command line: deno task gen [--check]");
    return 2;
  }
  const differences = await Promise.all(
    Object.entries(await generate()).map(async ([path, text]) => {
      const wanted = await format(path, text);
      const found = firstDifference(wanted, await readIfThere(ROOT + path));
      if (found === undefined) return [];
      if (args.length === 1) return `${path} ${found}`;
      await Deno.mkdir(dirname(ROOT + path), { recursive: true });
      await Deno.writeTextFile(ROOT + path, wanted);
      return `${path} written`;
    }),
  );
  const lines = differences.flat();
  for (const line of lines) console.log(line);
  if (args.length === 0 || lines.length === 0) return 0;
  console.log('Run "deno task gen" and commit what it writes');
  return 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
