import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parseJson, TransporterError } from "@transporter/sdk";
import { MemoryBroker } from "@transporter/sdk/memory-ingest";
import { NOW, run, type TestHostOptions } from "./testing/host.ts";

const FILES = {
  "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
};
const URL_SECRET = "nats://ann:s3cret@broker:4222/?creds=/f";

/** A host that reaches a broker in memory. */
function reaching(broker: MemoryBroker): TestHostOptions {
  return {
    files: FILES,
    url: URL_SECRET,
    // deno-lint-ignore require-await -- a refusal must reject, not throw
    publishers: { nats: async () => broker.publisher() },
  };
}

/** What a broker has. */
async function bodiesOf(broker: MemoryBroker): Promise<unknown[]> {
  const found: unknown[] = [];
  const over = new AbortController();
  await broker.consumer().consume(({ data }) => {
    found.push(parseJson(data));
    return Promise.resolve({ outcome: "taken" });
  }, { signal: over.signal, idle: () => over.abort() });
  return found;
}

function send(broker: MemoryBroker, line: string) {
  return run(
    ["send", "k8s", "-f", "ns.yaml", ...line.split(" ")],
    reaching(broker),
  );
}

Deno.test("send --mode nats publishes what it would submit, and says so", async () => {
  const broker = new MemoryBroker();
  const { code, stdout, stderr } = await send(
    broker,
    "--agent edge-7 --id one --ttl 1h --max-attempts 5 --mode nats",
  );
  strictEqual(stderr, "");
  strictEqual(stdout, "event/one published (agent edge-7)\n");
  strictEqual(code, 0);
  const [body] = await bodiesOf(broker);
  deepStrictEqual(
    { ...body as Record<string, unknown>, retry: undefined },
    {
      id: "one",
      type: "k8s_resource",
      target_agent: "edge-7",
      payload: { manifests: [FILES["ns.yaml"]] },
      created_at: new Date(NOW).toISOString(),
      ttl: 3600e9,
      retry: undefined,
    },
  );
  // The same again is the same message.
  await send(broker, "--agent edge-7 --id one --ttl 1h --mode nats");
  deepStrictEqual(await bodiesOf(broker), []);
});

Deno.test("send --mode nats -o json shows programs what it published, and no secrets", async () => {
  const broker = new MemoryBroker();
  const { stdout } = await send(
    broker,
    "--agent edge-7 --id one --mode nats -o json",
  );
  deepStrictEqual(JSON.parse(stdout), {
    status: "published",
    event_id: "one",
    target_agent: "edge-7",
    broker: "nats://broker:4222",
  });
  const two = await send(broker, "--agent a --agent b --mode nats -o name");
  match(two.stdout, /^event\/\w+\nevent\/\w+\n$/);
  strictEqual((await bodiesOf(broker)).length, 3);
});

Deno.test("send --mode nats says when the broker did not take it", async () => {
  const broker = new MemoryBroker();
  broker.break(new TransporterError("unavailable", "Cannot publish: away"));
  const { code, stdout, stderr } = await send(
    broker,
    "--agent a --agent b --mode nats",
  );
  deepStrictEqual([code, stdout], [3, ""]);
  strictEqual(stderr, "error[unavailable]: Cannot publish: away\n");
});

/** Lines that ask for what cannot be. */
const REFUSED: Readonly<
  Record<string, readonly [url: string, sentence: RegExp]>
> = {
  "--mode memphis": [URL_SECRET, /--mode nats sends through NATS JetStream/],
  "--mode kafka": [URL_SECRET, /it must be http or nats/],
  "--mode nats --wait": [URL_SECRET, /a broker gives none.*describe event ID/],
  "--mode nats --diff": [URL_SECRET, /a broker gives none/],
  "--mode nats": ["http://127.0.0.1:8080", /names a NATS server/],
  "--mode http": [URL_SECRET, /to which only "send" goes, with --mode nats/],
};

Deno.test("send refuses what does not go together with a broker, before it sends anything", async () => {
  for (const [line, [url, sentence]] of Object.entries(REFUSED)) {
    const broker = new MemoryBroker();
    const { code, stderr } = await run(
      ["send", "k8s", "-f", "ns.yaml", "--agent", "a", ...line.split(" ")],
      { ...reaching(broker), url },
    );
    strictEqual(code, 2, line);
    match(stderr, sentence, line);
    match(stderr, /^error\[usage\]: Cannot [^\n]+\n$/);
    strictEqual(stderr.includes("s3cret"), false);
    strictEqual(broker.waiting, 0);
  }
});
