import { Document, isScalar, Scalar, visit } from "yaml";
import { isUnsafe, safeQuoted } from "./text.ts";

/**
 * Writes a value as `-o json` and `-o yaml` show it. What could do something
 * to a terminal is escaped, so that the text is safe to look at and still
 * means the same.
 *
 * @param value What survives JSON.
 * @param format Which of both.
 * @param options `flow`: in YAML, lists of words stand in one line.
 * @returns The text, with a line break at its end.
 */
export function encode(
  value: unknown,
  format: "json" | "yaml",
  { flow = false }: { readonly flow?: boolean } = {},
): string {
  if (format === "json") {
    return `${safeQuoted(JSON.stringify(value, undefined, 2))}\n`;
  }
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Seq(_, list) {
      if (flow) list.flow = list.items.every(isScalar);
    },
    Scalar(_, node) {
      // In double quotes an escape means the character; elsewhere it would be text.
      if (isScalar(node) && typeof node.value === "string") {
        if (isUnsafe(node.value.replaceAll("\n", ""))) {
          node.type = Scalar.QUOTE_DOUBLE;
        }
      }
    },
  });
  return safeQuoted(document.toString({ lineWidth: 0 }));
}

/** One value a line, for programs that read while a command goes on. */
export function encodeNext(value: unknown, format: "json" | "yaml"): string {
  return format === "json"
    ? `${safeQuoted(JSON.stringify(value))}\n`
    : `---\n${encode(value, "yaml")}`;
}
