import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { systemClock, TransporterError } from "@transporter/sdk";
import { ApiClient, type CallOptions } from "./client.ts";
import { Transport } from "./transport.ts";

/** A server that gives these answers, the last one for ever, and a client that never pauses. */
function open(answers: readonly (() => Response)[]) {
  let count = 0;
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
  }, () => {
    const answer = answers[Math.min(count++, answers.length - 1)];
    return answer?.() ?? new Response("", { status: 500 });
  });
  const access = {
    server: `http://127.0.0.1:${server.addr.port}`,
    connection: {},
  };
  const transport = new Transport({
    access: { current: () => Promise.resolve(access) },
    clock: systemClock,
    requestTimeoutMs: 5_000,
  });
  return {
    client: new ApiClient({
      transport,
      clock: systemClock,
      rng: { next: () => 0 },
    }),
    count: () => count,
    async [Symbol.asyncDispose]() {
      transport[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

const GET = { method: "GET", path: "/x" } as const;

function limits(rest: Partial<CallOptions> = {}): CallOptions {
  return {
    doing: "look",
    signal: new AbortController().signal,
    until: systemClock.now() + 60_000,
    ...rest,
  };
}

const busy = () => new Response("busy", { status: 503 });
const good = () => Response.json({ kind: "A" });

Deno.test("ApiClient.call() tries again what may change, and says so", async () => {
  await using opened = open([busy, busy, good]);
  const reasons: string[] = [];
  const { body, uncertain } = await opened.client.call(
    GET,
    limits({
      onRetry: (reason) => {
        reasons.push(reason);
        return Promise.resolve();
      },
    }),
  );
  deepStrictEqual(body, { kind: "A" });
  strictEqual(uncertain, false);
  deepStrictEqual(reasons, Array(2).fill("the API server answered 503: busy"));
});

Deno.test("ApiClient.call() stops when time is up, with the last reason", async () => {
  await using opened = open([busy]);
  await rejects(opened.client.call(GET, limits({ until: 0 })), (error) => {
    if (!(error instanceof TransporterError)) throw error;
    deepStrictEqual([error.code, error.message], [
      "cluster_unavailable",
      "Cannot look: the API server answered 503: busy",
    ]);
    return true;
  });
  strictEqual(opened.count(), 1);
});

Deno.test("ApiClient.call() does not wait for longer than there is time", async () => {
  const later = () =>
    new Response("", { status: 429, headers: { "retry-after": "3600" } });
  await using opened = open([later, good]);
  await rejects(opened.client.call(GET, limits()), {
    code: "cluster_unavailable",
  });
  strictEqual(opened.count(), 1);
});

Deno.test("ApiClient.call() lets the caller review an answer", async () => {
  const missing = () =>
    Response.json({
      kind: "Status",
      message: 'namespaces "x" not found',
      reason: "NotFound",
      details: { kind: "namespaces" },
    }, { status: 404 });
  await using opened = open([missing, missing, good]);
  const { body } = await opened.client.call(
    GET,
    limits({
      review: (verdict) =>
        verdict.missing === "namespace"
          ? { ...verdict, transient: true }
          : verdict,
    }),
  );
  deepStrictEqual(body, { kind: "A" });
});

Deno.test("ApiClient.find() gives undefined for an object that is not there, and nothing else", async () => {
  const status = (details: unknown) => () =>
    Response.json({ kind: "Status", reason: "NotFound", details }, {
      status: 404,
    });
  await using gone = open([status({ kind: "configmaps" })]);
  strictEqual(await gone.client.find(GET, limits()), undefined);
  await using unserved = open([
    () => new Response("404 page not found", { status: 404 }),
  ]);
  await rejects(unserved.client.find(GET, limits()), { code: "unknown_kind" });
  await using there = open([good]);
  deepStrictEqual((await there.client.find(GET, limits()))?.body, {
    kind: "A",
  });
});

Deno.test("ApiClient.call() reads warnings", async () => {
  const headers = new Headers();
  headers.append(
    "warning",
    '299 - "v1 Endpoints is deprecated, use \\"EndpointSlice\\""',
  );
  headers.append("warning", '299 - "another"');
  await using opened = open([() => Response.json({ kind: "A" }, { headers })]);
  const { warnings } = await opened.client.call(GET, limits());
  deepStrictEqual(warnings, [
    'v1 Endpoints is deprecated, use "EndpointSlice"',
    "another",
  ]);
});

Deno.test("ApiClient.call() refuses an answer that is no JSON object", async () => {
  for (const text of ["<html>", "[1]"]) {
    await using opened = open([() => new Response(text)]);
    await rejects(opened.client.call(GET, limits()), (error) => {
      match(String(error), /Cannot look: the answer is no JSON/);
      return true;
    });
  }
});

Deno.test("ApiClient.call() ends with the reason of its signal, also between two tries", async () => {
  await using opened = open([busy]);
  const stop = new AbortController();
  const reason = new RangeError("Enough");
  const calling = opened.client.call(
    GET,
    limits({
      signal: stop.signal,
      onRetry: () => {
        stop.abort(reason);
        return Promise.resolve();
      },
    }),
  );
  await rejects(calling, reason);
});
