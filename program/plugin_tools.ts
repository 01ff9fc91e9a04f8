import type { PluginTools } from "@transporter/agent/plugin";
import { TransporterError } from "@transporter/sdk";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What plugins may import by name, and where `deno task bundle` puts it, beside the program. */
const SUPPLIED: Readonly<Record<string, string>> = {
  "@transporter/plugins/kubernetes": "./plugin/plugins/kubernetes.js",
  "@transporter/sdk": "./plugin/sdk/mod.js",
  "@transporter/sdk/testing": "./plugin/sdk/testing/mod.js",
};

/** What runs beside a plugin in its process, likewise. */
const GUEST = [
  "@transporter/agent/plugin/guest",
  "./plugin/agent/plugin/guest.js",
] as const;

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false; // not there, or not to be seen
  }
}

/** Finds a program as a shell does. */
async function find(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && await isFile(path)) return path;
  }
  return undefined;
}

/** Finds a program that bounds another one, and knows these options: those of BusyBox do not. */
async function findBound(
  name: string,
  options: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const path = await find(name, env);
  if (path === undefined) return undefined;
  const { success } = await new Deno.Command(path, {
    args: [...options, "--", path, "--version"],
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success ? path : undefined;
}

/** The `deno` program: the one that is named, the one that runs this, or one beside a compiled binary. */
async function findDeno(
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const named = env["TP_DENO"];
  if (named) {
    if (await isFile(named)) return named;
    throw new TransporterError(
      "usage",
      `Cannot use TP_DENO "${named}": there is no such program`,
    );
  }
  if (!Deno.build.standalone) return Deno.execPath();
  const found = await find("deno", env);
  if (found !== undefined) return found;
  throw new TransporterError(
    "usage",
    "Cannot run plugins in processes of their own as there is no deno program beside this binary: " +
      "name one with TP_DENO, or load plugins that you trust with --plugin-in-process",
  );
}

/** What names of packages mean in the sources of the program. */
async function ownNames(): Promise<Readonly<Record<string, string>>> {
  const url = new URL("../deno.json", import.meta.url);
  const { imports } = JSON.parse(await Deno.readTextFile(url));
  return imports;
}

/**
 * Where what `deno task bundle` makes is beside this program; `undefined` where
 * that runs from its sources. Those in a compiled binary no other program can read.
 */
function besideProgram(): URL | undefined {
  if (Deno.build.standalone) return pathToFileURL(Deno.execPath());
  const isSource = import.meta.url.endsWith("/program/plugin_tools.ts");
  return isSource ? undefined : new URL(import.meta.url);
}

/** Where the parts are that go into the processes of plugins: sources, or what was bundled of them. */
async function parts(bundle: URL | undefined): Promise<
  Pick<PluginTools, "guest" | "supplied" | "scopes" | "own">
> {
  const find = (name: string, bundled: string) =>
    bundle === undefined
      ? import.meta.resolve(name)
      : new URL(bundled, bundle).href;
  const guest = find(...GUEST);
  if (!await isFile(fileURLToPath(guest))) {
    throw new TransporterError(
      "usage",
      `Cannot run plugins as "${guest}" is not there: "deno task bundle" makes it, and it goes beside the program with its folder`,
    );
  }
  const supplied = Object.fromEntries(
    Object.entries(SUPPLIED).map(([name, bundled]) => [
      name,
      find(name, bundled),
    ]),
  );
  if (bundle !== undefined) {
    const own = [new URL("./plugin/", bundle).href];
    return { guest, supplied, scopes: {}, own };
  }
  const own = [guest, ...Object.values(supplied)]
    .map((url) => new URL("./", url).href);
  const names = { ...await ownNames(), ...supplied };
  const scopes = Object.fromEntries(own.map((folder) => [folder, names]));
  return { guest, supplied, scopes, own };
}

/**
 * Finds what plugins are run with on this machine.
 *
 * @param env The environment.
 * @param bundle Beside what the parts of a bundle are; `undefined`: sources are used.
 * @throws {TransporterError} `usage` when there is no `deno` program, or none of what goes into its processes.
 */
export async function pluginTools(
  env: Readonly<Record<string, string>>,
  bundle: URL | undefined = besideProgram(),
): Promise<PluginTools> {
  const deno = await findDeno(env);
  const [prlimit, setpriv] = await Promise.all([
    findBound("prlimit", ["--data=1073741824", "--core=0"], env),
    findBound("setpriv", ["--pdeathsig=KILL", "--no-new-privs"], env),
  ]);
  return {
    deno,
    ...await parts(bundle),
    bounds: {
      ...prlimit === undefined ? {} : { prlimit },
      ...setpriv === undefined ? {} : { setpriv },
    },
    env,
  };
}
