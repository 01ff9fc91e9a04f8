import { placeOf } from "./path.ts";

const LINES_MAX = 300;
const TEST_LINES_MAX = 500;

/** Files longer than this are split, or say at their top why not. */
export const fileLength: Deno.lint.Rule = {
  create(context) {
    const max = placeOf(context.filename).test ? TEST_LINES_MAX : LINES_MAX;
    return {
      Program(node) {
        const lines = context.sourceCode.text.trimEnd().split("\n").length;
        if (lines <= max) return;
        context.report({
          node,
          message:
            `The file has ${lines} lines: ${max} is where to stop and think`,
          hint: "Split it and give both halves a sentence, or say why not: " +
            "// deno-lint-ignore-file transporter/file-length -- reason",
        });
      },
    };
  },
};
