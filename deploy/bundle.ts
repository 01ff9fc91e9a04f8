/**
 * `deno task bundle`: the program as one JavaScript file, `dist/transporter.js`.
 *
 * Each command loads what it needs when it needs it. That has to hold for the
 * runtime's own modules too, since an agent that loads `node:http` and
 * `node:sqlite` for nothing takes 8 MB more. A bundle of ECMAScript modules
 * imports all of them at its top; one of CommonJS asks for each where it is
 * used. So the program is bundled as CommonJS first, and what comes out is made
 * a module that asks the runtime.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the path is the result

import { stop, transform } from "esbuild";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;

/** How a module asks for a module of the runtime, or hears that there is none, as `ws` does for optional ones (https://nodejs.org/api/process.html#processgetbuiltinmoduleid). */
const HEADER = `function require(name) {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw new Error("Cannot find module " + name);
  return found;
}
const module = { exports: {} };
`;

/** What goes into the processes of plugins, and what they may import: program/plugin_tools.ts. */
const PLUGIN_PARTS: readonly string[] = [
  "sdk/mod.ts",
  "sdk/testing/mod.ts",
  "agent/plugin/guest.ts",
  "plugins/kubernetes.ts",
];

async function bundle(args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--platform=deno", ...args],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code === 0) return;
  throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr)}`);
}

/**
 * Makes a module shorter. Not by `deno bundle --minify`: the esbuild in Deno
 * 2.9.6 puts a `using` that is read once where it is read, and so never
 * disposes of it.
 *
 * What comes out is ASCII: of any other text the runtime keeps two bytes a
 * character for as long as the program runs. `esbuild` leaves the characters
 * of regular expressions as they are.
 */
export async function minify(text: string): Promise<string> {
  try {
    const { code } = await transform(text, {
      minify: true,
      format: "esm",
      target: "esnext",
      legalComments: "eof",
    });
    return code.replace(
      /[^\0-\x7f]/g, // one unit at a time: a pair becomes two escapes
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  } finally {
    await stop();
  }
}

/**
 * Makes the file, and the folder `plugin` beside it: what the processes of
 * isolated plugins load.
 *
 * @param output Where it goes; its folder is there.
 */
export async function bundleProgram(output: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "transporter-bundle-" });
  try {
    const common = join(folder, "program.cjs");
    await bundle(["--format=cjs", `--output=${common}`, "main.ts"]);
    const text = (await Deno.readTextFile(common))
      // CommonJS has no `import.meta`; the file it becomes has.
      .replace(/\bimport_meta(\d*) = \{\};/g, "import_meta$1 = import.meta;");
    await Deno.writeTextFile(output, await minify(HEADER + text));
    const parts = join(dirname(output), "plugin");
    await rm(parts, { recursive: true, force: true });
    await bundle(["--code-splitting", `--outdir=${parts}`, ...PLUGIN_PARTS]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const output = join(ROOT, "dist", "transporter.js");
  await Deno.mkdir(join(ROOT, "dist"), { recursive: true });
  await bundleProgram(output);
  const { size } = await Deno.stat(output);
  console.log(`dist/transporter.js (${Math.round(size / 1000)} kB)`);
}
