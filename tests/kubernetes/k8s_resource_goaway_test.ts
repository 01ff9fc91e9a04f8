import { systemClock } from "@transporter/sdk";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { makePki } from "../../deploy/localkube/pki.ts";
import { Transport } from "../../plugins/k8s_resource/transport.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { configMap, openPlugin, proxied, runEvent } from "./k8s_resource.ts";

/** Speaks HTTP/2 before the API server, and says GOAWAY with each second answer of a connection, as a server does that balances its load. */
async function goingAway(kube: LocalKube) {
  const { ca, server: { keyPem: key, certPem: cert } } = await makePki();
  const server = createSecureServer({ key, cert });
  let connections = 0;
  server.on("session", () => void connections++);
  let answers = 0;
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const chunks: Uint8Array[] = [];
    stream.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
    stream.on("end", async () => {
      const method = String(headers[":method"]);
      const body = new Blob(chunks as BlobPart[]);
      const answer = await kube.fetch(String(headers[":path"]), {
        method,
        headers: {
          accept: String(headers["accept"] ?? "*/*"),
          ...(body.size === 0
            ? {}
            : { "content-type": String(headers["content-type"]) }),
        },
        ...(body.size === 0 ? {} : { body }),
      });
      const text = await answer.text();
      if (++answers % 2 === 0) stream.session?.goaway(0);
      stream.respond({
        ":status": answer.status,
        "content-type": answer.headers.get("content-type") ?? "",
        date: answer.headers.get("date") ?? "",
      });
      stream.end(text);
    });
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  const { port } = server.address() as AddressInfo;
  return {
    server: new URL(`https://127.0.0.1:${port}`),
    caPem: ca.certPem,
    connections: () => connections,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

Deno.test("GOAWAY: what a server says that wants a new connection ends no event", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using proxy = await goingAway(kube);
  await using access = await proxied(proxy, kube, {
    namespace: namespace.name,
    request_timeout_ms: 5_000,
  });
  await using executor = await openPlugin(access.config);
  const names = Array.from({ length: 30 }, (_, i) => `map-${i}`);
  const run = await runEvent(
    executor,
    names.map((name) => configMap(namespace.name, name)),
  );
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(
    run.objects.map(({ name, status }) => `${name} ${status}`),
    names.map((name) => `${name} created`),
  );
  ok(proxy.connections() > 5, `${proxy.connections()} connections`);
});

Deno.test("requests that run side by side have a connection each, which the next ones use again", async () => {
  const { ca, server: { keyPem: key, certPem: cert } } = await makePki();
  const ports: number[] = [];
  let together = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, key, cert, onListen: () => {} },
    async (_request, { remoteAddr }) => {
      ports.push(remoteAddr.port);
      if (ports.length % 3 === 0) together.resolve();
      await together.promise;
      return new Response("{}");
    },
  );
  const access = {
    server: `https://127.0.0.1:${server.addr.port}`,
    connection: { ca: ca.certPem },
  };
  using transport = new Transport({
    access: { current: () => Promise.resolve(access) },
    clock: systemClock,
    requestTimeoutMs: 10_000,
  });
  const { signal } = new AbortController();
  for (let i = 0; i < 2; i++) {
    together = Promise.withResolvers();
    await Promise.all(
      Array.from(
        { length: 3 },
        (_, i) => transport.send({ method: "GET", path: `/${i}` }, signal),
      ),
    );
  }
  strictEqual(ports.length, 6);
  strictEqual(new Set(ports.slice(0, 3)).size, 3, `${ports}`);
  strictEqual(new Set(ports).size, 3, `${ports}`);
});
