import { placeOf } from "./path.ts";

/** Which packages a package may import by name. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  sdk: [],
  plugins: ["sdk"],
  agent: ["sdk"],
  cp: ["sdk"],
  cli: ["sdk"],
};

const OURS_REGEXP = /^@transporter\/([^/]+)/;
const PREFIX_REGEXP = /^(npm|jsr|https?|file|data|blob):/;
const SDK_ROOT_MODULE_REGEXP = /^sdk\/[^/]+$/;
const SDK_OUTER_REGEXP = /^\/sdk\/(connectors|testing)\//;

interface Import {
  readonly source: string;
  /** Whether the rest of the specifier is only known when the program runs. */
  readonly partial: boolean;
}

/** The text of a specifier as far as it is written down: literals, templates and concatenations. */
function specifierOf(node: Deno.lint.Expression): Import | undefined {
  if (node.type === "Literal" && typeof node.value === "string") {
    return { source: node.value, partial: false };
  }
  if (node.type === "TemplateLiteral") {
    return {
      source: node.quasis[0]?.cooked ?? "",
      partial: node.expressions.length > 0,
    };
  }
  if (node.type === "BinaryExpression" && node.operator === "+") {
    const left = node.left.type === "PrivateIdentifier"
      ? undefined
      : specifierOf(node.left);
    return left && { source: left.source, partial: true };
  }
  return undefined;
}

/** Says what is wrong with an import, or returns `undefined`. */
function complaint(
  from: string,
  file: string,
  { source, partial }: Import,
): [message: string, hint: string] | undefined {
  const wrong = `${from} must not import "${source}${partial ? "…" : ""}"`;
  const ours = OURS_REGEXP.exec(source)?.[1];
  if (ours !== undefined) {
    if (ALLOWED[from]?.includes(ours)) return undefined;
    return [wrong, "Packages import the SDK by name and nothing else here."];
  }
  if (PREFIX_REGEXP.test(source)) {
    return [
      wrong,
      "Name the package in the imports of deno.json and import it by its bare name.",
    ];
  }
  if (!source.startsWith(".") && !source.startsWith("/")) return undefined;
  const target = source.startsWith("/")
    ? source
    : new URL(source, `file:///${file}`).pathname;
  if (source.startsWith("/") || !target.startsWith(`/${from}/`)) {
    return [
      wrong,
      "Packages import the SDK by name; no path leaves its package.",
    ];
  }
  if (
    SDK_ROOT_MODULE_REGEXP.test(file) && !placeOf(file).test &&
    SDK_OUTER_REGEXP.test(target)
  ) {
    return [
      `A root module of sdk must not import "${source}"`,
      "Connectors and suites have entries of their own, so that nobody loads what is not used.",
    ];
  }
  return undefined;
}

/**
 * Who may import whom: README, "The dependency rule". Types count too, and so
 * do re-exports, dynamic imports and import types. What is outside the
 * packages (main.ts, mod.ts, tests, examples, deploy) may import anyone.
 */
export const dependencyRule: Deno.lint.Rule = {
  create(context) {
    const { path, package: from } = placeOf(context.filename);
    if (from === undefined) return {};

    function check(
      node: Deno.lint.Node,
      source: Deno.lint.Expression | null | undefined,
    ): void {
      const specifier = source ? specifierOf(source) : undefined;
      const found = specifier && complaint(from ?? "", path, specifier);
      if (found) context.report({ node, message: found[0], hint: found[1] });
    }

    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType(node) {
        if (node.argument.type === "TSLiteralType") {
          check(node, node.argument.literal);
        }
      },
    };
  },
};
