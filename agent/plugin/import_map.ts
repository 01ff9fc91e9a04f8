import { isRecord, TransporterError } from "@transporter/sdk";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ImportMap, PluginTools } from "./command.ts";
import { readIfThere } from "./deno.ts";

/** Where a plugin is, and what its names stand for. */
export interface PluginPlace {
  /** The folder that it may import files of, a URL that ends in `/`; `undefined` for one that is no file. */
  readonly folder: string | undefined;
  /** Its own names and ours. */
  readonly map: ImportMap;
}

/** Text with comments and trailing commas, as `deno.jsonc` may have: to JSON. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, quoted: string | undefined) => quoted ?? "",
  ).replace(
    /("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g,
    (_, quoted: string | undefined) => quoted ?? "",
  );
}

function readTexts(
  value: unknown,
  base: string,
): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, target]) =>
      typeof target === "string" ? [[name, against(target, base)]] : []
    ),
  );
}

/** Relative paths are relative to the file that they stand in. */
function against(target: string, base: string): string {
  return /^\.{0,2}\//.test(target) ? new URL(target, base).href : target;
}

function readMap(text: string, base: string): ImportMap {
  let value: unknown;
  try {
    value = JSON.parse(withoutComments(text));
  } catch (cause) {
    throw new TransporterError(
      "usage",
      `Cannot read "${fileURLToPath(base)}": it is no JSON`,
      { cause },
    );
  }
  if (!isRecord(value)) return { imports: {} };
  const scopes = isRecord(value["scopes"]) ? value["scopes"] : {};
  return {
    imports: readTexts(value["imports"], base),
    scopes: Object.fromEntries(
      Object.entries(scopes).map(([scope, names]) => [
        against(scope, base),
        readTexts(names, base),
      ]),
    ),
  };
}

/**
 * Finds what the names in a plugin stand for: those of the `deno.json` in its
 * folder or above, as its author runs it, and those that are supplied, which
 * win.
 *
 * @param specifier The plugin's module.
 * @param tools What is supplied.
 * @throws {TransporterError} `usage` for a `deno.json` that cannot be read.
 */
export async function placeOf(
  specifier: string,
  { supplied, scopes }: PluginTools,
): Promise<PluginPlace> {
  if (!specifier.startsWith("file:")) {
    return { folder: undefined, map: { imports: supplied, scopes } };
  }
  const own = dirname(fileURLToPath(specifier));
  for (let folder = own;; folder = dirname(folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = join(folder, name);
      const bytes = await readIfThere(path);
      if (bytes === undefined) continue;
      const base = pathToFileURL(path).href;
      const map = readMap(new TextDecoder().decode(bytes), base);
      return {
        folder: new URL("./", base).href,
        map: {
          imports: { ...map.imports, ...supplied },
          scopes: { ...map.scopes, ...scopes },
        },
      };
    }
    if (dirname(folder) === folder) break;
  }
  return {
    folder: pathToFileURL(`${own}/`).href,
    map: { imports: supplied, scopes },
  };
}
