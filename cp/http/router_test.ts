import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { Router, targetOf } from "./router.ts";

Deno.test("targetOf() resolves dots, and tells the path from the query", () => {
  const cases:
    readonly (readonly [url: string, path: string, query: string])[] = [
      ["/v2/events", "/v2/events", ""],
      ["/v2/events?limit=1&state=failed", "/v2/events", "limit=1&state=failed"],
      ["/v2/events/..", "/v2/", ""],
      ["/v2/./events", "/v2/events", ""],
      ["/v2/events/%2e%2e/agents", "/v2/agents", ""],
      ["/v2/events/a..b", "/v2/events/a..b", ""],
      ["//v2/events", "//v2/events", ""],
      ["http://localhost/livez?a=b", "/livez", "a=b"],
      ["/a?b=\\", "/a", "b=%5C"],
    ];
  for (const [url, path, query] of cases) {
    const target = targetOf({ url, headers: { host: "localhost:8080" } });
    deepStrictEqual([target.path, String(target.query)], [path, query], url);
  }
});

Deno.test("targetOf() refuses what is no path, and a host that is none", () => {
  const cases: readonly (readonly [url: string, host: string])[] = [
    ["*", "localhost"],
    ["", "localhost"],
    ["ftp://localhost/", "localhost"],
    ["localhost:80", "localhost"],
    ["/a\\b", "localhost"],
    ["/", "a@localhost"],
    ["/", "local host"],
    ["/", "localhost/"],
    ["/", "[::1"],
  ];
  for (const [url, host] of cases) {
    throws(
      () => targetOf({ url, headers: { host } }),
      { code: "bad_request" },
      `${url} ${host}`,
    );
  }
});

Deno.test("Router finds a fixed path first, and reads what is escaped one segment at a time", () => {
  const router = new Router<string>();
  router.add("/v2/events/{id}", "event");
  router.add("/v2/events/all", "all");
  router.add("/v2/events/{id}/logs", "logs");
  const cases: Readonly<
    Record<string, readonly [string, Record<string, string>] | undefined>
  > = {
    "/v2/events/all": ["all", {}],
    "/v2/events/%61ll": ["all", {}],
    "/v2/events/a%2Fb": ["event", { id: "a/b" }],
    "/v2/events/%zz": ["event", { id: "%zz" }],
    "/v2/events/:id": ["event", { id: ":id" }],
    "/v2/events/*": ["event", { id: "*" }],
    "/v2/events/__proto__": ["event", { id: "__proto__" }],
    "/v2/%65vents/%3Aid": ["event", { id: ":id" }],
    "/v2/events/x/logs": ["logs", { id: "x" }],
    "/v2/events/": undefined,
    "/v2/events": undefined,
    "/v2/events/x/": undefined,
    "/v2%2Fevents/x": undefined,
    "/v2/events//logs": undefined,
  };
  for (const [path, wanted] of Object.entries(cases)) {
    const found = router.find(path);
    deepStrictEqual(found && [found.value, found.parts], wanted, path);
  }
  strictEqual(router.find("/"), undefined);
});
