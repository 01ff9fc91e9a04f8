import { type Clock, deadline, TransporterError } from "@transporter/sdk";
import { fileURLToPath, pathToFileURL } from "node:url";
import { environment, type PluginTools } from "./command.ts";

/** Milliseconds that reading the modules of a plugin may take, downloads included. */
const READ_MS = 120_000;

/**
 * Runs `deno` to its end.
 *
 * @param args Its command line.
 * @param options What it is run with; `clock` bounds it.
 * @returns What it wrote.
 * @throws {TransporterError} `usage` when it fails, with the first line that says why.
 */
export async function runDeno(
  args: readonly string[],
  { tools, clock }: { readonly tools: PluginTools; readonly clock: Clock },
): Promise<string> {
  using limit = deadline(clock, READ_MS, {
    reason: new TransporterError(
      "unavailable",
      `"deno ${args[0]}" was not over after ${READ_MS / 1000}s`,
    ),
  });
  const { success, stdout, stderr } = await new Deno.Command(tools.deno, {
    args: [...args],
    clearEnv: true,
    env: environment(tools),
    stdin: "null",
    signal: limit.signal,
  }).output();
  if (limit.signal.aborted) throw limit.signal.reason;
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const lines = decoder.decode(stderr).split("\n").filter(Boolean);
  const why = lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "";
  throw new TransporterError("usage", why.replace(/^error: /, ""));
}

/** A folder that is gone afterwards. */
export async function temporaryFolder(): Promise<
  AsyncDisposable & { readonly path: string }
> {
  const path = await Deno.makeTempDir({ prefix: "transporter-plugin-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** A file's bytes; `undefined` when it is not there. */
export async function readIfThere(
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/** Where a file or a folder really is, links followed: a URL without a slash at its end. */
export async function realUrl(url: string): Promise<string> {
  const path = await Deno.realPath(fileURLToPath(url));
  return pathToFileURL(path).href;
}

/** What a path is not, if it is no file; `undefined` when it is one, or no path. */
export async function whyNoFile(
  specifier: string,
): Promise<string | undefined> {
  if (!specifier.startsWith("file:")) return undefined;
  try {
    const { isDirectory } = await Deno.stat(new URL(specifier));
    return isDirectory
      ? "it is a folder: name its module, such as mod.ts in it"
      : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no such file";
    if (error instanceof Deno.errors.NotADirectory) {
      return "there is no such file";
    }
    throw error;
  }
}

/** Bytes of a file with a secret. */
const SECRET_BYTES_MAX = 1024 * 1024;

/** A file with a secret, or why there is none. */
export async function readSecretFile(
  path: string,
): Promise<{ readonly text: string } | { readonly why: string }> {
  try {
    const { size } = await Deno.stat(path);
    return size > SECRET_BYTES_MAX
      ? { why: `"${path}" has more than ${SECRET_BYTES_MAX} bytes` }
      : { text: await Deno.readTextFile(path) };
  } catch (error) {
    return error instanceof Deno.errors.NotFound
      ? { why: `there is no file "${path}"` }
      : { why: `the file "${path}" cannot be read` };
  }
}
