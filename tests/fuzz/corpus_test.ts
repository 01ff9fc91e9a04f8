import { isRecord } from "@transporter/sdk";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readCorpus, type Sample } from "./corpus.ts";
import { answerAll, attack, post } from "./http.ts";
import { decode } from "./raw.ts";
import { Target } from "./target.ts";
import { registration } from "./frames.ts";
import { RawWebSocket } from "./web_socket.ts";

/** A control plane that has seen agent `edge-1`. */
async function start(): Promise<Target> {
  const target = await Target.startCp();
  using agent = await RawWebSocket.connect(target.port);
  await agent.json(registration("edge-1", 2));
  ok(await agent.until(() => agent.messages.length > 1, 10_000));
  return target;
}

/** The JSON text of an event that can be accepted, with the fields of a sample as they are written there. */
function eventWith({ name, bytes }: Sample): Uint8Array {
  const fields = new TextDecoder().decode(bytes).trim();
  const rest: Record<string, unknown> = {
    id: name,
    type: "k8s_resource",
    target_agent: "edge-1",
    payload: {
      manifests: ["apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n"],
    },
  };
  const own: unknown = JSON.parse(fields);
  ok(isRecord(own));
  const kept = Object.entries(rest).filter(([key]) => !Object.hasOwn(own, key));
  const members = [fields.slice(1, -1)].concat(
    kept.map(([key, value]) => `"${key}":${JSON.stringify(value)}`),
  );
  return new TextEncoder().encode(`{${members.join(",")}}`);
}

Deno.test("a control plane answers every body of the corpus as it should", async () => {
  await using target = await start();
  const samples = await readCorpus("bodies");
  for (const path of ["/events", "/v2/events"]) {
    await answerAll(
      samples,
      ({ bytes }) => attack(target.port, post(path, bytes)),
    );
  }
  // What is accepted is kept as it was sent.
  for (const { answer, bytes } of samples) {
    if (answer !== "202 ok") continue;
    const sent = JSON.parse(new TextDecoder().decode(bytes));
    const kept = await fetch(`${target.url}/v2/events/${sent.id}`);
    const { spec } = await kept.json();
    strictEqual(JSON.stringify(spec.payload), JSON.stringify(sent.payload));
  }
  await target.mustBeWell();
});

Deno.test("a control plane answers every field of the corpus as it should", async () => {
  await using target = await start();
  const samples = await readCorpus("fields");
  await answerAll(
    samples,
    (sample) => attack(target.port, post("/events", eventWith(sample))),
  );
  await answerAll(
    samples,
    (sample) => attack(target.port, post("/v2/events", eventWith(sample))),
  );
  const tolerant = await readCorpus("fields_v1");
  await answerAll(
    tolerant,
    (sample) => attack(target.port, post("/events", eventWith(sample))),
  );
  const strict = await readCorpus("fields_v2");
  await answerAll(
    strict,
    (sample) => attack(target.port, post("/v2/events", eventWith(sample))),
  );
  await target.mustBeWell();
});

Deno.test("a control plane answers every manifest of the corpus as it should", async () => {
  await using target = await start();
  const samples = await readCorpus("yaml");
  await answerAll(samples, (sample) => {
    const manifest = new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(sample.bytes);
    const fields = JSON.stringify({ payload: { manifests: [manifest] } });
    const bytes = new TextEncoder().encode(fields);
    return attack(
      target.port,
      post("/events", eventWith({ ...sample, bytes })),
    );
  });
  await target.mustBeWell();
});

Deno.test("a control plane answers every request of the corpus as it should", async () => {
  await using target = await start();
  const samples = await readCorpus("http");
  await answerAll(samples, async ({ path, bytes }) => {
    const outcome = await attack(target.port, [bytes]);
    // What stands behind the end of a request that is refused is no request.
    const asked = decode(bytes).includes("GET /nothing");
    deepStrictEqual(asked ? outcome.whole.length : 1, 1, path);
    return outcome;
  });
  const smuggled = await fetch(`${target.url}/v2/events/smuggled`);
  strictEqual(smuggled.status, 404);
  await smuggled.body?.cancel();
  await target.mustBeWell();
});
