import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import type { Access, AccessSource } from "./access.ts";
import { NoAnswer } from "./no_answer.ts";
import { Transport } from "./transport.ts";

/** A server, and a transport that knows it; `tokens` are given one after the other as they are refused. */
function open(
  handler: (request: Request) => Response | Promise<Response>,
  options: { readonly tokens?: readonly string[]; readonly clock?: TestClock } =
    {},
) {
  const { tokens = ["t"], clock } = options;
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
  }, handler);
  const left = [...tokens];
  let access: Access | undefined;
  const source: AccessSource = {
    current(refused) {
      if (access === undefined || access === refused) {
        access = {
          server: `http://127.0.0.1:${server.addr.port}`,
          token: left.shift(),
          connection: {},
        };
      }
      return Promise.resolve(access);
    },
  };
  const transport = new Transport({
    access: source,
    clock: clock ?? systemClock,
    requestTimeoutMs: 1_000,
  });
  return {
    transport,
    async [Symbol.asyncDispose]() {
      transport[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

const GET = { method: "GET", path: "/x" } as const;
const { signal } = new AbortController();

Deno.test("Transport.send() asks once more with new credentials after a 401", async () => {
  const seen: (string | null)[] = [];
  await using opened = open((request) => {
    seen.push(request.headers.get("authorization"));
    return new Response("", { status: seen.length === 1 ? 401 : 200 });
  }, { tokens: ["old", "new"] });
  strictEqual((await opened.transport.send(GET, signal)).status, 200);
  deepStrictEqual(seen, ["Bearer old", "Bearer new"]);
});

Deno.test("Transport.send() gives the second 401 back", async () => {
  await using opened = open(() => new Response("no", { status: 401 }), {
    tokens: ["old", "new", "newer"],
  });
  const { status, text } = await opened.transport.send(GET, signal);
  deepStrictEqual([status, text], [401, "no"]);
});

Deno.test("Transport.send() sends method, path, body and types", async () => {
  await using opened = open(async (request) => {
    const { pathname, search } = new URL(request.url);
    const { headers } = request;
    return Response.json([
      request.method,
      pathname + search,
      await request.text(),
      headers.get("content-type"),
      headers.get("accept"),
    ]);
  });
  const { text } = await opened.transport.send({
    method: "PATCH",
    path: "/x/y?z=1",
    body: "b\u20ac",
    contentType: "application/apply-patch+yaml",
    accept: "application/json;v=v2",
  }, signal);
  deepStrictEqual(JSON.parse(text), [
    "PATCH",
    "/x/y?z=1",
    "b\u20ac",
    "application/apply-patch+yaml",
    "application/json;v=v2",
  ]);
});

Deno.test("Transport.send() gives up in time, and opens a new connection for the next", async () => {
  const clock = new TestClock();
  const { promise: stuck, resolve: release } = Promise.withResolvers<
    Response
  >();
  let silent = true;
  await using opened = open(() => silent ? stuck : new Response("late"), {
    clock,
  });
  const sending = opened.transport.send(GET, signal);
  const refused = rejects(
    sending,
    (error) => error instanceof NoAnswer && /in 1000 ms/.test(error.message),
  );
  while (clock.sleeping === 0) await Promise.resolve();
  await clock.advance(1_000);
  await refused;
  silent = false;
  strictEqual((await opened.transport.send(GET, signal)).text, "late");
  release(new Response(""));
});

Deno.test("Transport.send() ends with the reason of its signal", async () => {
  const { promise: stuck, resolve: release } = Promise.withResolvers<
    Response
  >();
  await using opened = open(() => stuck);
  const stop = new AbortController();
  const sending = opened.transport.send(GET, stop.signal);
  const reason = new RangeError("Enough");
  stop.abort(reason);
  await rejects(sending, reason);
  release(new Response(""));
});

Deno.test("Transport.send() follows no redirect, since a token must not", async () => {
  const seen: string[] = [];
  await using opened = open((request) => {
    const { pathname } = new URL(request.url);
    seen.push(pathname);
    return pathname === GET.path
      ? Response.redirect(new URL("/elsewhere", request.url))
      : new Response("{}");
  });
  await rejects(opened.transport.send(GET, signal), NoAnswer);
  deepStrictEqual(seen, [GET.path]);
});

Deno.test("Transport.send() says what is wrong when nobody listens", async () => {
  const opened = open(() => new Response(""));
  await opened.transport.send(GET, signal);
  await opened[Symbol.asyncDispose]();
  await rejects(opened.transport.send(GET, signal), /refused/i);
  opened.transport[Symbol.dispose]();
});

Deno.test("Transport refuses certificates that are none", async () => {
  const access: Access = {
    server: "https://127.0.0.1:9",
    connection: { ca: "x", cert: "y", key: "z" },
  };
  using transport = new Transport({
    access: { current: () => Promise.resolve(access) },
    clock: systemClock,
    requestTimeoutMs: 1_000,
  });
  await rejects(transport.send(GET, signal), { code: "no_cluster" });
});
