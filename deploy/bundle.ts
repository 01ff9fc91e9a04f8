/**
 * `deno task bundle`: the program as JavaScript, `dist/transporter.js`, and the
 * folders that go beside it: `parts`, of which each command loads what it
 * needs, and `plugin`, for the processes of isolated plugins.
 *
 * What a process does not load it has no memory for. So each `import()` of the
 * sources begins a part of its own, what several parts need is a part too, and
 * no module of the runtime is loaded before the part that works with it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the path is the result

import { stop, transform } from "esbuild";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const ROOT = new URL("../", import.meta.url).pathname;

/** How `deno bundle` lets modules of CommonJS ask for those of the runtime: it loads `node:module`, and by that most of them. */
const REQUIRE =
  /^import \{ createRequire as __deno_internal_createRequire \} from "node:module";\nvar __require = .*$/m;

/** How they ask instead, and hear that there is none, as `ws` does for optional ones (https://nodejs.org/api/process.html#processgetbuiltinmoduleid). */
const LAZY_REQUIRE = `function __require(name) {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw new Error("Cannot find module " + name);
  return found;
}`;

/** What begins the program; `deno bundle` calls it so. */
const MAIN = "main.js";

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
 * Makes modules shorter. Not by `deno bundle --minify`: the esbuild in Deno
 * 2.9.6 puts a `using` that is read once where it is read, and so never
 * disposes of it.
 *
 * What comes out is ASCII: of any other text the runtime keeps two bytes a
 * character for as long as the program runs. `esbuild` leaves the characters
 * of regular expressions as they are.
 */
export async function minify(texts: readonly string[]): Promise<string[]> {
  try {
    return await Promise.all(texts.map(async (text) => {
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
    }));
  } finally {
    await stop();
  }
}

/**
 * Makes a part find the others, load none before it is asked for, and take
 * what is beside the program for beside itself.
 *
 * Deno reads all modules that are named in an `import()` when the program
 * starts, and at its first start parses each: 60 MB for what is never loaded.
 * Of a name that is computed it knows nothing.
 */
function place(text: string, { isMain, program }: {
  readonly isMain: boolean;
  readonly program: string;
}): string {
  const folder = isMain ? "./parts/" : "./";
  return text
    .replace(REQUIRE, LAZY_REQUIRE)
    .replace(
      /\bimport\.meta\.url\b/g,
      isMain ? "$&" : `new URL("../${program}", $&).href`,
    )
    .replace(/^(import|\} from) "\.\/([\w-]+\.js)";$/gm, `$1 "${folder}$2";`)
    .replace(
      /\bimport\("\.\/([\w-]+\.js)"\)/g,
      `import(import.meta.resolve("${folder}$1"))`,
    );
}

/**
 * Makes the program, and the folders `parts` and `plugin` beside it; those that
 * are there are replaced.
 *
 * @param output Where it goes; its folder is there.
 */
export async function bundleProgram(output: string): Promise<void> {
  const made = await Deno.makeTempDir({ prefix: "transporter-bundle-" });
  const [parts, plugin] = ["parts", "plugin"].map((name) =>
    join(dirname(output), name)
  ) as [string, string];
  try {
    await bundle(["--code-splitting", `--outdir=${made}`, "main.ts"]);
    const names = (await Array.fromAsync(Deno.readDir(made), ({ name }) =>
      name))
      .sort();
    const program = basename(output);
    const texts = await minify(
      await Promise.all(
        names.map(async (name) =>
          place(await Deno.readTextFile(join(made, name)), {
            isMain: name === MAIN,
            program,
          })
        ),
      ),
    );
    for (const folder of [parts, plugin]) {
      await rm(folder, { recursive: true, force: true });
    }
    await Deno.mkdir(parts);
    for (const [index, name] of names.entries()) {
      const path = name === MAIN ? output : join(parts, name);
      await Deno.writeTextFile(path, texts[index] ?? "");
    }
    await bundle(["--code-splitting", `--outdir=${plugin}`, ...PLUGIN_PARTS]);
  } finally {
    await Deno.remove(made, { recursive: true });
  }
}

if (import.meta.main) {
  await Deno.mkdir(join(ROOT, "dist"), { recursive: true });
  await bundleProgram(join(ROOT, "dist", "transporter.js"));
  console.log("dist/transporter.js, dist/parts/, dist/plugin/");
}
