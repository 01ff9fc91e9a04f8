import {
  type Executor,
  parse,
  silentLogger,
  TransporterError,
} from "@transporter/sdk";
import { fileURLToPath } from "node:url";
import type { Runtime } from "./runtime.ts";

const SCRIPT = new URL("../examples/hello.sh", import.meta.url);

/**
 * Opens what runs the demo's script, where this machine can confine one.
 *
 * @param dir A folder for it.
 * @returns The executor, or why there is none.
 */
export async function openScripts(
  dir: string,
  { signal }: Runtime,
): Promise<Executor | TransporterError> {
  const { standard } = await import("@transporter/plugins");
  const plugin = standard.find(({ type }) => type === "script");
  if (plugin === undefined) throw new TypeError("Cannot be: script ships");
  const config = await parse<unknown>(plugin.config, { dir });
  try {
    return await plugin.open(config, { signal, log: silentLogger });
  } catch (error) {
    if (error instanceof TransporterError && error.code === "unavailable") {
      return error;
    }
    throw error;
  }
}

/**
 * Sends the script, and shows what it writes.
 *
 * @returns The exit code.
 */
export async function sendScript(
  agent: string,
  { url, runtime, run }: {
    readonly url: string;
    readonly runtime: Runtime;
    readonly run: (args: readonly string[]) => Promise<number>;
  },
): Promise<number> {
  runtime.print(
    `\n$ transporter send script -f examples/hello.sh --agent ${agent} --logs\n`,
  );
  const file = fileURLToPath(SCRIPT);
  const args = ["send", "script", "-f", file, "--agent", agent, "--logs"];
  return await run([...args, "--timeout", "1m", "--cp-url", url]);
}
