import {
  type IsolationOptions,
  type PluginEntry,
  readEntry,
} from "@transporter/agent/plugin";
import {
  type ExecutorContext,
  type Logger,
  silentLogger,
  systemClock,
  systemRng,
} from "@transporter/sdk";
import { pluginTools } from "../../program/plugin_tools.ts";

/** What plugins are run with on this machine. */
export async function isolation(
  log: Logger = silentLogger,
): Promise<IsolationOptions> {
  const tools = await pluginTools(Deno.env.toObject());
  return { tools, clock: systemClock, rng: systemRng, log, graceMs: 500 };
}

/** An entry as an operator writes it. */
export function entryOf(
  entry: string | Readonly<Record<string, unknown>>,
  flag: "plugin" | "plugin-in-process" = "plugin",
): PluginEntry {
  return readEntry(entry, { flag, cwd: Deno.cwd() });
}

/** A folder with files, gone at the end. */
export async function folderOf(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "transporter-plugin-test-" });
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(new URL(`file://${path}/${name}/..`), { recursive: true });
    await Deno.writeTextFile(`${path}/${name}`, text);
  }
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** What an agent lends to an attempt that nobody watches. */
export function attemptContext(): ExecutorContext {
  return {
    idempotencyKey: "e1",
    createdAt: "2026-11-28T00:00:00Z",
    attempt: 1,
    deadline: systemClock.now() + 60_000,
    signal: new AbortController().signal,
    log: silentLogger,
    report: () => Promise.resolve(),
    output: () => {},
  };
}

/** The module of a plugin, which imports another one. */
export const HELLO = `
import { definePlugin } from "@transporter/sdk";
import { text } from "./text.ts";
const any = { "~standard": { version: 1, vendor: "t", validate: (value) => ({ value }) } };
export default definePlugin({
  api: 1,
  type: "hello",
  version: "1.2.3",
  payload: any,
  apply: () => ({ text }),
});
`;

/** The other one. */
export const TEXT = `export const text = "hello";\n`;
