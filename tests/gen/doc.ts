/**
 * Tables of fields, out of the doc comments of the types that have them.
 *
 * @module
 */

import { ROOT } from "../files.ts";

/** A type as `deno doc --json` describes it, as far as our wire types need. */
interface TypeNode {
  readonly kind: string;
  readonly repr?: string;
  readonly value?: unknown;
}

interface Property {
  readonly name: string;
  readonly optional?: boolean;
  readonly jsDoc?: { readonly doc?: string };
  readonly tsType?: TypeNode;
}

/** An interface, as its doc comments describe it. */
export interface InterfaceDoc {
  /** Its name. */
  readonly name: string;
  /** What its comment says. */
  readonly doc: string;
  /** Its own fields, in order. */
  readonly properties: readonly Property[];
  /** The interfaces it extends. */
  readonly extends: readonly string[];
}

interface DocOutput {
  readonly nodes: Readonly<
    Record<string, {
      readonly symbols: readonly {
        readonly name: string;
        readonly declarations: readonly {
          readonly kind: string;
          readonly jsDoc?: { readonly doc?: string };
          readonly def: {
            readonly properties?: readonly Property[];
            readonly extends?: readonly TypeNode[];
          };
        }[];
      }[];
    }>
  >;
}

/** Reads the interfaces that modules export, by name, in the order of the source. */
export async function interfaces(
  ...paths: readonly string[]
): Promise<ReadonlyMap<string, InterfaceDoc>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...paths],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const output: DocOutput = JSON.parse(new TextDecoder().decode(stdout));
  const found = new Map<string, InterfaceDoc>();
  for (const { symbols } of Object.values(output.nodes)) {
    for (const { name, declarations } of symbols) {
      for (const { kind, jsDoc, def } of declarations) {
        if (kind !== "interface") continue;
        found.set(name, {
          name,
          doc: jsDoc?.doc ?? "",
          properties: def.properties ?? [],
          extends: (def.extends ?? []).map(typeText),
        });
      }
    }
  }
  return found;
}

/** Writes a type as JSON has it: what TypeScript adds to it (`readonly`) is left out. */
function typeText(type: TypeNode | undefined): string {
  const { kind, repr = "", value } = type ?? { kind: "unknown" };
  switch (kind) {
    case "literal":
      return JSON.stringify(Object.values(value as object)[1]);
    case "union":
      return (value as TypeNode[]).map(typeText).join(" or ");
    case "array":
      return `list of ${typeText(value as TypeNode)}`;
    case "typeOperator":
      return typeText((value as { readonly tsType: TypeNode }).tsType);
    case "parenthesized":
      return typeText(value as TypeNode);
    case "typeLiteral":
      return "object";
    case "typeRef": {
      const { typeName, typeParams = [] } = value as {
        readonly typeName: string;
        readonly typeParams?: readonly TypeNode[];
      };
      if (typeName === "Readonly") return typeText(typeParams[0]);
      if (typeName === "Record") return "object";
      if (typeName === "ReadonlyArray") {
        return `list of ${typeText(typeParams[0])}`;
      }
      return typeName;
    }
    case "keyword":
      return repr === "unknown" ? "anything" : repr;
    default:
      throw new Error(`Cannot write a type of the kind "${kind}"`);
  }
}

/** One line of prose, for a cell of a table. */
function cell(text: string): string {
  return text.replace(/\{@linkcode ([^}]+)\}/g, "`$1`")
    .replace(/@see \{@link ([^}]+)\}/g, "See $1.").replaceAll("|", "\\|")
    .replace(/\s+/g, " ").trim();
}

/** A section on an interface: what it is, and a table of its fields. */
export function section(
  { name, doc, properties, extends: parents }: InterfaceDoc,
): string {
  const rows = properties.map(({ name, optional, jsDoc, tsType }) =>
    `| \`${name}\`${optional ? " (optional)" : ""} | ${
      cell(typeText(tsType))
    } | ${cell(jsDoc?.doc ?? "")} |`
  );
  const also = parents.length > 0
    ? `\nIt also has the fields of ${parents.join(", ")}.\n`
    : "";
  return `## ${name}\n\n${doc.trim()}\n${also}\n` +
    `| field | type | what it is |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** What `deno doc` says of a symbol that a module exports, as text. */
export async function symbolText(path: string, name: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", `--filter=${name}`, path],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout)
    .replace(/^Defined in .*\n/gm, "").trim();
}
