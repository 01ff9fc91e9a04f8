/** What docs/ingest.md says is so: its command lines print what it says. */
import { match, strictEqual } from "node:assert/strict";
import { readSecrets, signatureOf } from "@transporter/sdk/webhook";
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

Deno.test("docs/ingest.md: its way to verify a signature tells ours from others", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const text = filesIn(PAGE).get("verify.ts") ?? "";
    await Deno.writeTextFile(`${dir}/verify.ts`, text);
    const { verify } = await import(`file://${dir}/verify.ts`);
    const secret = `whsec_${btoa("a secret of thirty-two bytes, no?")}`;
    const other = `whsec_${btoa("another one of thirty-two bytes!!")}`;
    const [id, body] = ["e1.5", '{"a":"é"}'];
    const headersAt = (seconds: number): Headers => {
      const message = { id, body, timestamp: Math.floor(seconds) };
      return new Headers({
        "webhook-id": id,
        "webhook-timestamp": String(message.timestamp),
        "webhook-signature": signatureOf(
          message,
          readSecrets(`${other}\n${secret}`),
        ),
      });
    };
    const now = Date.now() / 1000;
    strictEqual(verify(headersAt(now), body, secret), true);
    strictEqual(verify(headersAt(now), body, other), true);
    strictEqual(verify(headersAt(now), `${body} `, secret), false);
    strictEqual(verify(headersAt(now - 600), body, secret), false);
    strictEqual(verify(headersAt(now), body, `whsec_${btoa("x")}`), false);
    strictEqual(verify(new Headers(), body, secret), false);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
