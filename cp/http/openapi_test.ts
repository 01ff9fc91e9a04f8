import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isRecord } from "@transporter/sdk";
import { openPlace } from "../testing/place.ts";

/** What programs rely on in this version. */
const ROUTES: readonly string[] = [
  "DELETE /v2/agents/{id}",
  "GET /health",
  "GET /livez",
  "GET /metrics",
  "GET /readyz",
  "GET /v2/agents",
  "GET /v2/agents/{id}",
  "GET /v2/events",
  "GET /v2/events/{id}",
  "GET /v2/events/{id}/history",
  "GET /v2/events/{id}/logs",
  "GET /v2/events/{id}/objects",
  "GET /v2/link/frames",
  "GET /v2/link/stream",
  "GET /v2/openapi.json",
  "GET /v2/stream",
  "GET /ws",
  "POST /events",
  "POST /v2/agents/{id}/pause",
  "POST /v2/agents/{id}/resume",
  "POST /v2/events",
  "POST /v2/events/{id}/cancel",
  "POST /v2/events/{id}/retry",
  "POST /v2/link/frames",
  "POST /v2/link/sessions",
];

type Json = Readonly<Record<string, unknown>>;

function member(value: unknown, ...names: readonly string[]): Json {
  for (const name of names) {
    ok(isRecord(value), name);
    value = value[name];
  }
  ok(isRecord(value), names.join("."));
  return value;
}

function* operations(
  document: Json,
): Generator<readonly [method: string, path: string, operation: Json]> {
  for (const [path, methods] of Object.entries(member(document, "paths"))) {
    for (const method of Object.keys(methods as Json)) {
      yield [method.toUpperCase(), path, member(methods, method)];
    }
  }
}

Deno.test("openApi() lists exactly the routes there are", async () => {
  await using place = await openPlace();
  const document = (await place.ask("/v2/openapi.json")).json;
  const listed = [...operations(document)].map(([method, path]) =>
    `${method} ${path}`
  );
  deepStrictEqual(listed.toSorted(), ROUTES);
  for (const [method, path] of operations(document)) {
    const answer = await place.ask(path.replace("{id}", "x"), {
      method: method === "GET" ? "HEAD" : method,
    });
    ok(answer.status !== 405, `${method} ${path} is not served`);
    if (!path.includes("{")) {
      ok(answer.status !== 404, `${method} ${path} is not served`);
    }
  }
});

Deno.test("openApi() describes every parameter, body and answer", async () => {
  await using place = await openPlace();
  const document: Json = (await place.ask("/v2/openapi.json")).json;
  strictEqual(document["openapi"], "3.1.0");
  const ids = new Set<unknown>();
  for (const [method, path, operation] of operations(document)) {
    const name = `${method} ${path}`;
    ok(typeof operation["summary"] === "string", name);
    ids.add(operation["operationId"]);
    const parameters = (operation["parameters"] ?? []) as Json[];
    const inPath = parameters.filter((each) => each["in"] === "path").map((
      each,
    ) => `{${each["name"]}}`);
    deepStrictEqual(inPath, path.match(/\{\w+\}/g) ?? [], name);
    for (const parameter of parameters) {
      ok(
        typeof parameter["description"] === "string" &&
          parameter["description"] !== "",
        name,
      );
      ok(isRecord(parameter["schema"]), name);
    }
    for (
      const [status, answer] of Object.entries(member(operation, "responses"))
    ) {
      ok(
        typeof member(answer)["description"] === "string",
        `${name} ${status}`,
      );
      if (status !== "101" && status !== "204") member(answer, "content");
    }
    for (const status of ["400", "403", "500"]) {
      member(operation, "responses", status);
    }
    const takes = /\/(events|cancel|frames|sessions)$/.test(path) &&
      method === "POST";
    strictEqual("requestBody" in operation, takes, name);
  }
  strictEqual(ids.size, ROUTES.length);
});

Deno.test("openApi() refers only to schemas that it has", async () => {
  await using place = await openPlace();
  const document: Json = (await place.ask("/v2/openapi.json")).json;
  const references = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g);
  let count = 0;
  for (const [, reference = ""] of references) {
    count++;
    ok(reference.startsWith("#/components/schemas/"), reference);
    member(document, ...reference.slice(2).split("/"));
  }
  ok(count > 40);
});

Deno.test("openApi() has every code that submitting can fail with", async () => {
  await using place = await openPlace();
  const document: Json = (await place.ask("/v2/openapi.json")).json;
  const responses = JSON.stringify(
    member(document, "paths", "/v2/events", "post", "responses"),
  );
  for (
    const code of [
      "unknown_agent",
      "id_conflict",
      "too_large",
      "unsupported_media_type",
      "queue_full",
    ]
  ) {
    ok(responses.includes(`"${code}"`), code);
  }
});
