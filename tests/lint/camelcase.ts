const CAMEL_REGEXP =
  /^[_$]*([a-z][a-zA-Z0-9$]*|[A-Z][a-zA-Z0-9$]*|[A-Z][A-Z0-9_]*)?$/;

/** The names that a pattern binds: its own, or those of its parts. */
function bindingsOf(
  node: Deno.lint.Node | Deno.lint.Parameter | null | undefined,
): Deno.lint.Identifier[] {
  switch (node?.type) {
    case "Identifier":
      return [node];
    case "ArrayPattern":
      return node.elements.flatMap(bindingsOf);
    case "AssignmentPattern":
      return bindingsOf(node.left);
    case "ObjectPattern":
      return node.properties.flatMap((property) => {
        if (property.type === "RestElement") return bindingsOf(property);
        // `{ event_id }` names the field, and not a name of ours.
        const { key, value } = property;
        return bindingsOf(value).filter((name) =>
          key.type !== "Identifier" || key.name !== name.name
        );
      });
    case "RestElement":
      return bindingsOf(node.argument);
    case "TSParameterProperty":
      return bindingsOf(node.parameter);
    default:
      return [];
  }
}

/**
 * Names are camelCase, except the fields of wire JSON, which carry the wire's
 * snake_case. Deno's own rule of this name knows no such exception, so this one
 * looks at what is bound (variables, parameters, functions, types, imports) and
 * leaves fields alone.
 */
export const camelcase: Deno.lint.Rule = {
  create(context) {
    function check(...nodes: Parameters<typeof bindingsOf>[0][]): void {
      for (const name of nodes.flatMap(bindingsOf)) {
        if (CAMEL_REGEXP.test(name.name)) continue;
        context.report({
          node: name,
          message: `The name "${name.name}" is not in camel case`,
          hint: "Only fields of wire JSON are snake_case.",
        });
      }
    }
    return {
      VariableDeclarator: (node) => check(node.id),
      FunctionDeclaration: (node) => check(node.id, ...node.params),
      FunctionExpression: (node) => check(node.id, ...node.params),
      ArrowFunctionExpression: (node) => check(...node.params),
      CatchClause: (node) => check(node.param),
      ClassDeclaration: (node) => check(node.id),
      TSInterfaceDeclaration: (node) => check(node.id),
      TSTypeAliasDeclaration: (node) => check(node.id),
      ImportSpecifier: (node) => check(node.local),
      ImportDefaultSpecifier: (node) => check(node.local),
      ImportNamespaceSpecifier: (node) => check(node.local),
    };
  },
};
