import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { openMemoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { isProblem, openPlace, type Place } from "../testing/place.ts";

Deno.test("httpApp() answers what it does not have with 404", async () => {
  await using place = await openPlace();
  for (
    const path of [
      "/",
      "/nope",
      "/v2",
      "/v2/",
      "/v2/events/",
      "/V2/events",
      "/v2//events",
      "//livez",
      "/livez%2f",
      "/v2/events/%2e%2e",
      "/%00",
      "/.env",
      "/%zz",
      "/v2/events/a/b/c",
    ]
  ) {
    const answer = await place.ask(path);
    isProblem(answer, 404, answer.json.code);
    ok(["not_found", "unknown_event"].includes(answer.json.code), path);
  }
});

Deno.test("httpApp() quotes no control character, which a terminal would obey", async () => {
  await using place = await openPlace();
  for (
    const path of ["/a%1b[31m", "/v2/events/%00", "/v2/agents/a%0d%0ab%9b"]
  ) {
    const { message } = (await place.ask(path)).json;
    match(message, /^Cannot find .*\?/);
    match(message, /^[\u0020-\u007e\u00a0-\uffff]*$/);
  }
});

Deno.test("httpApp() resolves dots before it looks for a route", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send("GET /v2/events/../../livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  strictEqual((await client.answer()).json.status, "live");
  client.destroy();
});

Deno.test("httpApp() says which verbs a path takes", async () => {
  await using place = await openPlace();
  const cases = {
    "/events": "POST, OPTIONS",
    "/v2/events": "POST, GET, HEAD, OPTIONS",
    "/v2/events/x": "GET, HEAD, OPTIONS",
    "/ws": "GET, HEAD, OPTIONS",
    "/livez": "GET, HEAD, OPTIONS",
  };
  for (const [path, allow] of Object.entries(cases)) {
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      const answer = await place.ask(path, { method });
      isProblem(answer, 405, "method_not_allowed");
      strictEqual(answer.headers.get("allow"), allow, path);
    }
    const options = await place.ask(path, { method: "OPTIONS" });
    deepStrictEqual([
      options.status,
      options.headers.get("allow"),
      options.text,
    ], [204, allow, ""]);
  }
});

Deno.test("httpApp() allows no page of another place anything", async () => {
  await using place = await openPlace();
  const answer = await place.ask("/v2/events", {
    method: "OPTIONS",
    headers: { origin: place.url, "access-control-request-method": "POST" },
  });
  strictEqual(answer.status, 204);
  ok(
    ![...answer.headers.keys()].some((name) =>
      name.startsWith("access-control")
    ),
  );
});

Deno.test("httpApp() answers HEAD as GET, without the body", async () => {
  await using place = await openPlace();
  for (
    const path of [
      "/livez",
      "/v2/events",
      "/metrics",
      "/v2/openapi.json",
      "/v2/stream",
    ]
  ) {
    const answer = await place.ask(path, { method: "HEAD" });
    deepStrictEqual([answer.status, answer.text], [200, ""], path);
  }
  isProblemHead(await place.ask("/v2/events/nope", { method: "HEAD" }));
});

function isProblemHead(answer: Awaited<ReturnType<Place["ask"]>>): void {
  deepStrictEqual([answer.status, answer.text], [404, ""]);
  strictEqual(answer.headers.get("content-type"), "application/problem+json");
}

Deno.test("httpApp() says with every answer that it is in dev mode, and that it is no page", async () => {
  await using place = await openPlace();
  for (
    const path of [
      "/livez",
      "/nope",
      "/v2/events",
      "/metrics",
      "/v2/openapi.json",
    ]
  ) {
    const { headers } = await place.ask(path);
    strictEqual(headers.get("transporter-mode"), "dev", path);
    strictEqual(headers.get("x-content-type-options"), "nosniff", path);
    strictEqual(headers.get("cache-control"), "no-store", path);
  }
});

Deno.test("httpApp() serves loopback names only", async () => {
  await using place = await openPlace();
  const own = [
    "localhost",
    "LOCALHOST:1",
    `127.0.0.1:${place.port}`,
    "[::1]",
    "[::1]:8080",
  ];
  const foreign = [
    "evil.example",
    `evil.example:${place.port}`,
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "0.0.0.0",
    "10.0.0.1",
    "[::]",
    "localhost@evil.example",
  ];
  for (const host of [...own, ...foreign]) {
    const client = place.raw();
    client.send(`GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const answer = await client.answer();
    client.destroy();
    if (own.includes(host)) strictEqual(answer.status, 200, host);
    else ok([400, 403].includes(answer.status), host);
  }
});

Deno.test("httpApp() looks at the host of an absolute target", async () => {
  await using place = await openPlace();
  for (
    const [target, status] of [["http://evil.example/livez", 403], [
      "http://localhost/livez",
      200,
    ]]
  ) {
    const client = place.raw();
    client.send(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    strictEqual((await client.answer()).status, status);
    client.destroy();
  }
});

Deno.test("httpApp() refuses requests that pages of strangers make", async () => {
  await using place = await openPlace();
  const refused = [
    "http://evil.example",
    "null",
    `https://${place.host}`,
    `http://localhost:${place.port}`,
    "http://127.0.0.1",
    "",
  ];
  for (const origin of refused) {
    const answer = await place.ask("/v2/events", { headers: { origin } });
    isProblem(answer, 403, "foreign_origin");
  }
  const own = await place.ask("/v2/events", { headers: { origin: place.url } });
  strictEqual(own.status, 200);
});

Deno.test("httpApp() refuses parameters that a route does not have", async () => {
  await using place = await openPlace();
  for (
    const path of [
      "/livez?x=1",
      "/v2/events?agnet=a",
      "/v2/events/e?verbose",
      "/v2/agents?state=queued",
    ]
  ) {
    const problem = isProblem(await place.ask(path), 400, "unknown_field");
    ok(typeof problem.details?.["field"] === "string", path);
  }
});

Deno.test("httpApp() tells a client nothing about a fault but where it stands in the log", async () => {
  await using memory = openMemoryStore();
  const store: Store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name === "listAgents") {
        return () => Promise.reject(new TypeError("Secret detail"));
      }
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await using place = await openPlace({ store });
  const problem = isProblem(await place.ask("/v2/agents"), 500, "internal");
  strictEqual(problem.message, "Internal error");
  const line = place.lines.find(({ level }) => level === "error");
  strictEqual(line?.["instance"], problem.instance);
  ok(JSON.stringify(line).includes("Secret detail"));
});
