/** What docs/ingest.md says is so: its command lines print what it says. */
import { match } from "node:assert/strict";
import { openPlace } from "../../cp/testing/place.ts";
import { ROOT } from "../files.ts";
import { commandsIn, filesIn, outcomePattern } from "../page.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/ingest.md`);

Deno.test("docs/ingest.md: its command lines print what it says", async (t) => {
  await using place = await openPlace();
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of filesIn(PAGE)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    for (const { command, output } of commandsIn(PAGE)) {
      await t.step(command, async () => {
        const { stdout, stderr } = await new Deno.Command("sh", {
          args: [
            "-c",
            command.replaceAll("http://127.0.0.1:8080", place.url),
          ],
          cwd: dir,
        }).output();
        const decoder = new TextDecoder();
        const text = decoder.decode(stdout) + decoder.decode(stderr);
        match(text.trimEnd(), outcomePattern(output.trimEnd()));
      });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
