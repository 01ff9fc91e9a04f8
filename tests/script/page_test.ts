/** What docs/script.md says is so: its command lines print what it says. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FIELDS } from "../../plugins/script/fields.ts";
import { payloadSchema } from "../../plugins/script/payload.ts";
import { canConfine } from "../../plugins/script/testing/bench.ts";
import { ROOT } from "../files.ts";
import { commandsIn, filesIn, outcomePattern, wordsOf } from "../page.ts";
import { ScriptSystem } from "./testing.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/script.md`);

Deno.test({
  name: "docs/script.md: its command lines print what it says",
  ignore: !canConfine,
  async fn(t) {
    await using system = await ScriptSystem.start();
    const dir = await Deno.makeTempDir();
    const files = filesIn(PAGE);
    try {
      for (const [name, text] of files) {
        await Deno.writeTextFile(`${dir}/${name}`, text);
      }
      for (const { command, output } of commandsIn(PAGE)) {
        await t.step(command, async () => {
          const words = wordsOf(command);
          const env: Record<string, string> = {};
          for (let word = words[0]; word?.includes("="); word = words[0]) {
            const at = word.indexOf("=");
            env[word.slice(0, at)] = word.slice(at + 1);
            words.shift();
          }
          const [program, ...args] = words.map((word) =>
            files.has(word) ? `${dir}/${word}` : word
          );
          strictEqual(program, "transporter");
          const { stdout, stderr } = await system.transporter(args, env);
          match(stdout + stderr, outcomePattern(output));
        });
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("docs/reference/script.md: has every field of the payload", () => {
  const { manifests: _, policy_rules: __, ...fields } =
    payloadSchema.pipe[0].entries;
  deepStrictEqual(Object.keys(FIELDS), Object.keys(fields));
});
