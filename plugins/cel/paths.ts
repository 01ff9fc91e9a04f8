import { type Node, read } from "./node.ts";

/** A field of something, `a.b`, `a["b"]` or `"b" in a`: its name, where that is known. */
function stepOf(node: Node): { from: Node; field: string } | undefined {
  if (node.op === "." || node.op === ".?") {
    return { from: node.args[0], field: node.args[1] };
  }
  if (node.op !== "[]" && node.op !== "[?]" && node.op !== "in") {
    return undefined;
  }
  const [from, key] = node.op === "in" ? node.args.toReversed() : node.args;
  return from && key?.op === "value" && typeof key.args === "string"
    ? { from, field: key.args }
    : undefined;
}

/** What a chain of fields begins with, and its fields. */
function chainOf(node: Node): [root: string, ...fields: string[]] | undefined {
  if (node.op === "id") return [node.args];
  const step = stepOf(node);
  const chain = step && chainOf(step.from);
  return chain && [...chain, step.field];
}

/** The parts of a node that are nodes themselves, however deep its arguments hold them. */
function partsOf(args: unknown): Node[] {
  if (Array.isArray(args)) return args.flatMap(partsOf);
  const isNode = typeof args === "object" && args !== null && "op" in args;
  return isNode ? [args as Node] : [];
}

/**
 * Which fields of a variable an expression reads, each as far as it is known
 * before it runs: `["metadata", "labels"]` for `a.metadata.labels[b]`, and `[]`
 * for all of it.
 *
 * @param text The expression.
 * @param name The variable.
 * @throws {CompileError} When it cannot be read.
 */
export function readPaths(text: string, name: string): readonly string[][] {
  const walk = (node: Node): string[][] => {
    const chain = chainOf(node);
    if (chain === undefined) return partsOf(node.args).flatMap(walk);
    const [root, ...fields] = chain;
    return root === name ? [fields] : [];
  };
  return walk(read(text));
}
