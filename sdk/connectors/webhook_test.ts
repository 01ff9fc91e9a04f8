import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { type CloudEvent, TransporterError } from "../mod.ts";
import { readSecrets, webhooks } from "./webhook.ts";

const SECRETS = ["old", "new"].map((name) =>
  `whsec_${btoa(`${name} secret of thirty-two bytes`)}`
);
const EVENT: CloudEvent = {
  specversion: "1.0",
  id: "e1.5",
  source: "urn:transporter:default:agent:edge-1",
  type: "io.transporter.status.completed",
  subject: "e1",
  extensions: { attempt: 1 },
  data: { message: "é" },
};

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A real web server whose answers a test has written down; the last stays. */
class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...answers: readonly (() => Promise<Response> | Response)[]) {
    const rest = [...answers];
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        const headers = Object.fromEntries(request.headers);
        this.received.push({ headers, body: await request.text() });
        const answer = rest.length > 1 ? rest.shift() : rest[0];
        return await answer?.() ?? new Response(null, { status: 204 });
      },
    );
  }

  get url(): URL {
    return new URL(
      `http://127.0.0.1:${this.#server.addr.port}/hook?key=s3cret`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function deliver(
  receiver: Receiver,
  signal = new AbortController().signal,
): Promise<void> {
  const open = webhooks({ secrets: () => Promise.resolve(SECRETS.join("\n")) });
  await using sink = await open(receiver.url, { signal, tenant: "default" });
  await sink.deliver(EVENT, { signal });
}

Deno.test("webhooks() sends a CloudEvent that whoever has one of the secrets can verify", async () => {
  await using receiver = new Receiver();
  await deliver(receiver);
  const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
  strictEqual(headers["content-type"], "application/cloudevents+json");
  strictEqual(headers["webhook-id"], "e1.5");
  for (const secret of SECRETS) {
    deepStrictEqual(new Webhook(secret).verify(body, headers), {
      specversion: "1.0",
      id: "e1.5",
      source: "urn:transporter:default:agent:edge-1",
      type: "io.transporter.status.completed",
      subject: "e1",
      attempt: 1,
      data: { message: "é" },
    });
  }
  const other = new Webhook(`whsec_${btoa("y".repeat(32))}`);
  throws(() => other.verify(body, headers), /No matching signature/);
  throws(
    () => new Webhook(SECRETS[0] ?? "").verify(`${body} `, headers),
    /No matching signature/,
  );
});

Deno.test("webhooks() takes an answer from 200 to 299 for a receipt, and nothing else", async () => {
  const cases: readonly (readonly [Response, RegExp, number?])[] = [
    [new Response("no", { status: 500 }), /answers with 500/],
    [new Response(null, { status: 400 }), /answers with 400/],
    [Response.redirect("http://127.0.0.1/", 307), /redirects are not followed/],
    [
      new Response(null, { status: 503, headers: { "retry-after": "7" } }),
      /503/,
      7000,
    ],
  ];
  for (const [response, message, wait] of cases) {
    await using receiver = new Receiver(() => response);
    await rejects(deliver(receiver), (error) => {
      if (!(error instanceof TransporterError)) return false;
      match(error.message, message);
      match(
        error.message,
        /^Cannot deliver results to "http:\/\/127[^"]*\/hook"/,
      );
      strictEqual(error.details?.["retry_after_ms"], wait);
      return true;
    });
  }
});

Deno.test("webhooks() gives up a receiver that hangs, and says when nobody listens", async () => {
  const reason = new TransporterError("timeout", "Too long");
  {
    const gate = Promise.withResolvers<void>();
    await using receiver = new Receiver(async () => {
      await gate.promise;
      return new Response();
    });
    const abort = new AbortController();
    const delivering = deliver(receiver, abort.signal);
    while (receiver.received.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    abort.abort(reason);
    await rejects(delivering, reason);
    gate.resolve();
  }
  const gone = new Receiver();
  const { url } = gone;
  await gone[Symbol.asyncDispose]();
  const open = webhooks({ secrets: () => Promise.resolve(SECRETS[0] ?? "") });
  const { signal } = new AbortController();
  const sink = await open(url, { signal, tenant: "default" });
  await rejects(sink.deliver(EVENT, { signal }), (error) => {
    if (!(error instanceof TransporterError)) return false;
    match(error.message, /^Cannot deliver results to "http:\/\/127/);
    strictEqual(error.message.includes("s3cret"), false, error.message);
    return error.code === "unavailable";
  });
});

Deno.test("readSecrets() refuses what would sign nothing", () => {
  strictEqual(readSecrets(`\n${SECRETS[0]}\n\n`).length, 1);
  const bad = [
    "",
    "\n",
    "whsec_",
    "whsec_AAAA",
    "not base64 at all!",
    `${SECRETS[0]}\nx`,
  ];
  for (const text of bad) {
    throws(() => readSecrets(text), { code: "usage", message: /whsec_/ }, text);
  }
});
