import { isSeveral, type SettingDescription } from "@transporter/sdk";

/** A command line that starts a part of the system. */
export interface StartLine {
  /** Which part. */
  readonly part: "cp" | "agent";
  /** Its flags, by camelCase name, as the command line's library would leave them. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** The settings of each part. */
export type StartTables = Readonly<
  Record<
    StartLine["part"],
    { readonly settings: readonly SettingDescription[] }
  >
>;

/**
 * Reads a line such as `agent --agent-id edge-7 --kubeconfig FILE`: the name of
 * a part and nothing but flags of its settings. What runs for months then does
 * without the library that reads every other command, a tenth of its memory.
 *
 * @param args What was typed after the program's name.
 * @param tables The settings of each part.
 * @returns The line; `undefined` for anything else, which is the command line's to read and to explain.
 */
export function readStartLine(
  args: readonly string[],
  tables: StartTables,
): StartLine | undefined {
  const [part, ...rest] = args;
  if (part !== "cp" && part !== "agent") return undefined;
  const flags: Record<string, unknown> = {};
  for (let i = 0; i < rest.length; i++) {
    const [flag = "", ...after] = (rest[i] ?? "").split("=");
    const described = tables[part].settings.find((each) => each.flag === flag);
    if (described === undefined) return undefined;
    const { name, setting } = described;
    if (setting.kind === "boolean") {
      if (after.length > 0 || name in flags) return undefined;
      flags[name] = true;
      continue;
    }
    const value = after.length > 0 ? after.join("=") : rest[++i];
    if (value === undefined || value === "" || value.startsWith("-")) {
      return undefined;
    }
    if (name in flags && !isSeveral(setting)) return undefined;
    flags[name] = name in flags ? `${flags[name]},${value}` : value;
  }
  return { part, flags };
}
