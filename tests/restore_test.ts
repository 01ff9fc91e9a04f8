import { Agent } from "@transporter/agent";
import { ControlPlane } from "@transporter/cp";
import {
  defineExecutor,
  jsonLogger,
  type JsonLoggerOptions,
  systemClock,
} from "@transporter/sdk";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";

/** What the executor ran, as `id/attempt`, over all processes. */
type Witness = string[];

function greet(witness: Witness) {
  return defineExecutor<unknown, unknown, unknown>({
    type: "greet",
    version: "1.0.0",
    schema: {
      "~standard": {
        version: 1,
        vendor: "none",
        validate: (value) => ({ value }),
      },
    },
    validate: (payload) => Promise.resolve(payload),
    apply(plan, { idempotencyKey, attempt }) {
      witness.push(`${idempotencyKey}/${attempt}`);
      return Promise.resolve(plan);
    },
    verify: () => Promise.resolve(),
  });
}

/** A control plane on a folder, and what it logged. */
async function openControlPlane(dataDir: string) {
  const lines: Record<string, unknown>[] = [];
  const logging: JsonLoggerOptions = {
    write: (line) => lines.push(JSON.parse(line)),
    clock: systemClock,
    level: "info",
  };
  const controlPlane = await ControlPlane.open({
    config: { listen: "127.0.0.1:0", dataDir, dev: true },
    kinds: [],
    log: jsonLogger(logging),
  });
  const { url } = controlPlane;

  async function ask(path: string, body?: unknown) {
    const response = await fetch(url + path, {
      ...(body === undefined ? {} : {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    return { status: response.status, body: await response.json() };
  }
  return {
    lines,
    url,
    async submit(...ids: readonly string[]): Promise<void> {
      for (const id of ids) {
        const body = { id, type: "greet", target_agent: "edge-1", payload: {} };
        strictEqual((await ask("/events", body)).status, 202);
      }
    },
    /** Follows the event until it ended; returns how. */
    async end(id: string): Promise<string> {
      const stop = new AbortController();
      const response = await fetch(`${url}/v2/stream?event=${id}`, {
        signal: stop.signal,
      });
      let text = "";
      for await (
        const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []
      ) {
        text += part;
        const end = /"state":"(completed|failed|expired|cancelled)"/.exec(text);
        if (end?.[1] === undefined) continue;
        stop.abort();
        return end[1];
      }
      throw new TypeError(`The stream ended: ${text}`);
    },
    async states(): Promise<Record<string, string>> {
      const { body } = await ask("/v2/events?limit=500");
      return Object.fromEntries(
        body.items.map((
          item: { spec: { id: string }; state: string },
        ) => [item.spec.id, item.state]).sort(),
      );
    },
    metrics: async () => await (await fetch(`${url}/metrics`)).text(),
    [Symbol.asyncDispose]: () => controlPlane.close(),
  };
}

/** An agent on a folder that dials a control plane, until it is disposed. */
async function openAgent(
  url: string,
  { dataDir, witness }: { dataDir: string; witness: Witness },
): Promise<AsyncDisposable> {
  const agent = await Agent.open({
    agentId: "edge-1",
    cpUrl: [`${url.replace("http", "ws")}/ws`],
    dataDir,
    executors: [greet(witness)],
    dials: { ws: dialWebSocket },
  });
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await agent[Symbol.asyncDispose]();
    },
  };
}

Deno.test("G18: after the store was restored from an older copy, no completed event runs again, and the gap is reported", async () => {
  const folder = await Deno.makeTempDir();
  const [dataDir, copy, agentDir] = ["cp", "copy", "agent"].map((name) =>
    `${folder}/${name}`
  ) as [string, string, string];
  const witness: Witness = [];
  const agentOf = (url: string) =>
    openAgent(url, { dataDir: agentDir, witness });
  const queued = ["q0", "q1", "q2"];
  const lost = ["l0", "l1", "l2", "l3"];
  try {
    {
      await using controlPlane = await openControlPlane(dataDir);
      await using _ = await agentOf(controlPlane.url);
      await controlPlane.submit("first");
      strictEqual(await controlPlane.end("first"), "completed");
    }
    {
      await using controlPlane = await openControlPlane(dataDir);
      await controlPlane.submit(...queued);
    }
    await Deno.mkdir(copy);
    for await (const { name } of Deno.readDir(dataDir)) {
      await Deno.copyFile(`${dataDir}/${name}`, `${copy}/${name}`);
    }
    {
      await using controlPlane = await openControlPlane(dataDir);
      await controlPlane.submit(...lost);
      await using _ = await agentOf(controlPlane.url);
      for (const id of [...queued, ...lost]) {
        strictEqual(await controlPlane.end(id), "completed");
      }
    }
    const ran = [...witness];
    deepStrictEqual(
      ran.toSorted(),
      ["first", ...queued, ...lost].map((id) => `${id}/1`).sort(),
    );

    await using controlPlane = await openControlPlane(copy);
    deepStrictEqual(await controlPlane.states(), {
      first: "completed",
      ...Object.fromEntries(queued.map((id) => [id, "queued"])),
    });
    await using _ = await agentOf(controlPlane.url);
    await controlPlane.submit("next");
    for (const id of [...queued, "next"]) {
      strictEqual(await controlPlane.end(id), "completed");
    }
    deepStrictEqual(witness, [...ran, "next/1"]);
    const report = controlPlane.lines.find(({ msg, message = msg }) =>
      message === "Store is older than what the agent remembers"
    );
    ok(report, JSON.stringify(controlPlane.lines));
    strictEqual(report["orphans"], lost.length);
    deepStrictEqual(report["orphan_ids"], lost);
    strictEqual(report["adopted"], queued.length);
    const orphans = 'transporter_events_reconciled_total{found="orphans"} 4\n';
    ok((await controlPlane.metrics()).includes(orphans));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
