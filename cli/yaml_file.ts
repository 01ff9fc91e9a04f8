import { TransporterError } from "@transporter/sdk";
import { parse, YAMLParseError } from "yaml";
import { readText } from "./bytes.ts";
import type { Files } from "./host.ts";
import { safe } from "./text.ts";

/** A configuration is short. */
const BYTES_MAX = 1024 * 1024;

/**
 * Reads a configuration file.
 *
 * @returns What is in it; `null` when it is empty.
 * @throws {TransporterError} `usage`, naming the file.
 */
export async function readYamlFile(
  path: string,
  files: Files,
): Promise<unknown> {
  try {
    const text = await readText(await files.open(path), {
      name: `"${safe(path)}"`,
      bytesMax: BYTES_MAX,
    });
    return parse(text, { maxAliasCount: 10 });
  } catch (cause) {
    const [why = ""] = cause instanceof YAMLParseError &&
        cause.code === "MULTIPLE_DOCS"
      ? ["it has more than one document"]
      : cause instanceof Error
      ? cause.message.split("\n")
      : [];
    throw new TransporterError(
      "usage",
      `Cannot read the configuration file "${safe(path)}": ${
        safe(why.replace(/:$/, ""))
      }`,
      { cause },
    );
  }
}
