import { placeOf } from "./path.ts";

const FREE_REGEXP = /^(main\.ts$|(cli|deploy|examples|program|tests)\/)/;
const HOSTS: readonly string[] = ["Deno", "process"];
const NAMES: readonly string[] = ["env", "args", "argv"];

function nameOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type === "Literal" && typeof node.value === "string") {
    return node.value;
  }
  if (node.type === "MemberExpression") return nameOf(node.property); // globalThis.Deno
  return undefined;
}

/** The environment and the arguments are read at the edge, and handed in as values. */
export const envArgs: Deno.lint.Rule = {
  create(context) {
    if (FREE_REGEXP.test(placeOf(context.filename).path)) return {};

    function report(node: Deno.lint.Node, name: string): void {
      context.report({
        node,
        message: `Only the program and cli read "${name}"`,
        hint:
          "Take the value as a setting of the config table, or as an option.",
      });
    }

    return {
      MemberExpression(node) {
        const [host, name] = [nameOf(node.object), nameOf(node.property)];
        if (host && name && HOSTS.includes(host) && NAMES.includes(name)) {
          report(node, `${host}.${name}`);
        }
      },
      VariableDeclarator(node) {
        const host = node.init ? nameOf(node.init) : undefined;
        if (
          !host || !HOSTS.includes(host) || node.id.type !== "ObjectPattern"
        ) return;
        for (const property of node.id.properties) {
          const name = property.type === "Property"
            ? nameOf(property.key)
            : undefined;
          if (name && NAMES.includes(name)) report(node, `${host}.${name}`);
        }
      },
      ImportDeclaration(node) {
        if (!/^(node:)?process$/.test(node.source.value)) return;
        for (const specifier of node.specifiers) {
          const name = specifier.type === "ImportSpecifier"
            ? nameOf(specifier.imported)
            : "";
          if (name && NAMES.includes(name)) report(node, `process.${name}`);
        }
      },
    };
  },
};
