import { placeOf } from "./path.ts";

const ERRORS: readonly string[] = [
  "TransporterError",
  "TypeError",
  "RangeError",
];
const CONTRACTION_REGEXP =
  /\w+n['’]t\b|\w+['’](re|ll|ve|d|m)\b|\b(it|that|there|what|who|here|let|he|she)['’]s\b/i;

/** What stands for a placeholder in the text of a message. */
const HOLE = "\u0000";

/** The texts a message can be, with a mark for each placeholder; none if nothing of it is written down. */
function textsOf(node: Deno.lint.Node | undefined): string[] {
  switch (node?.type) {
    case "Literal":
      return typeof node.value === "string" ? [node.value] : [];
    case "TemplateLiteral":
      return [node.quasis.map((quasi) => quasi.cooked).join(HOLE)];
    case "ConditionalExpression":
      return [...textsOf(node.consequent), ...textsOf(node.alternate)];
    case "BinaryExpression": {
      if (node.operator !== "+") return [];
      const [left, right] = [textsOf(node.left), textsOf(node.right)];
      if (left.length + right.length === 0) return [];
      const heads = left.length > 0 ? left : [HOLE];
      const tails = right.length > 0 ? right : [HOLE];
      return heads.flatMap((head) => tails.map((tail) => head + tail));
    }
    default:
      return [];
  }
}

/** Says what is wrong with the text of a message, or returns `undefined`. */
function complaint(text: string): string | undefined {
  if (
    !text.startsWith(HOLE) && !text.startsWith('"') && !/^\p{Lu}/u.test(text)
  ) {
    return "An error message starts with a capital letter";
  }
  if (/[.!\s]$/.test(text)) return "An error message ends without a period";
  if (CONTRACTION_REGEXP.test(text)) {
    return "An error message has no contractions";
  }
  if (text.includes(`'${HOLE}'`) || text.includes("`" + HOLE + "`")) {
    return "An error message has its values in double quotes";
  }
  return undefined;
}

/**
 * How error messages read: one sentence, sentence case, no final period, no
 * contractions, values in double quotes. Holds what is written where the error
 * is made; messages of tests are free.
 */
export const errorMessage: Deno.lint.Rule = {
  create(context) {
    if (placeOf(context.filename).test) return {};
    return {
      NewExpression(node) {
        if (
          node.callee.type !== "Identifier" ||
          !ERRORS.includes(node.callee.name)
        ) return;
        const message =
          node.arguments[node.callee.name === "TransporterError" ? 1 : 0];
        for (const text of textsOf(message)) {
          const found = complaint(text);
          if (found !== undefined) {
            context.report({
              node: message ?? node,
              message: found,
              hint:
                'Such as: Cannot accept event "e1" as ttl must be > 0: current value is -5',
            });
          }
        }
      },
    };
  },
};
