import { TransporterError } from "@transporter/sdk";
import { ok, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type Body, BodyBudget, readBody } from "./body.ts";

const RULE = { types: ["text/plain"], bytesMax: 1024 * 1024 };

/** Reads what is posted; the body is not given back. */
async function read(
  budget: BodyBudget,
  sent: string,
): Promise<Body | TransporterError> {
  const got = Promise.withResolvers<Body | TransporterError>();
  const server = createServer((incoming, outgoing) => {
    readBody({ incoming, proceed: () => {}, budget }, RULE)
      .catch((reason: unknown) => TransporterError.from(reason))
      .then((body) => {
        got.resolve(body);
        outgoing.end();
        incoming.resume();
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  const answer = await fetch(`http://127.0.0.1:${address.port}`, {
    method: "POST",
    headers: { "content-type": "text/plain", connection: "close" },
    body: sent,
  });
  await answer.body?.cancel();
  server.close();
  server.closeAllConnections();
  return await got.promise;
}

for (const length of [1, 65_536, 65_537, 1024 * 1024]) {
  Deno.test(`readBody() reads ${length} bytes, and gives its room back once`, async () => {
    const budget = new BodyBudget();
    const sent = "abcdefg".repeat(length / 7 + 1).slice(0, length);
    const body = await read(budget, sent);
    ok(!(body instanceof TransporterError), String(body));
    strictEqual(new TextDecoder().decode(body.bytes), sent);
    strictEqual(budget.bytes, length);
    body[Symbol.dispose]();
    body[Symbol.dispose]();
    strictEqual(budget.bytes, 0);
  });
}

Deno.test("readBody() frees the memory of a long body at once", async () => {
  const body = await read(new BodyBudget(), "x".repeat(100_000));
  ok(!(body instanceof TransporterError), String(body));
  const { buffer } = body.bytes;
  body[Symbol.dispose]();
  strictEqual(buffer.byteLength, 0);
});

Deno.test("readBody() keeps nothing of a body that is refused", async () => {
  const budget = new BodyBudget(100_000);
  const body = await read(budget, "x".repeat(200_000));
  ok(body instanceof TransporterError);
  strictEqual(body.code, "slow_down");
  strictEqual(budget.bytes, 0);
});
