import { makePki } from "../deploy/localkube/pki.ts";
import { FaultProxy } from "./fault_proxy.ts";
import { limited, until } from "./until.ts";

/** More than a connection holds that nobody reads. */
const ANSWER_BYTES = 64 << 20;

Deno.test("the proxy of faults ends although who asked left in the middle of an answer", async () => {
  const { ca, server: { keyPem: key, certPem: cert } } = await makePki();
  let pulled = 0;
  await using upstream = Deno.serve(
    { hostname: "127.0.0.1", port: 0, key, cert, onListen: () => {} },
    () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            pulled++;
            controller.enqueue(new Uint8Array(1 << 16));
            if (pulled << 16 >= ANSWER_BYTES) controller.close();
          },
        }),
      ),
  );
  const proxy = await FaultProxy.open({
    server: new URL(`https://127.0.0.1:${upstream.addr.port}`),
    caPem: ca.certPem,
  });
  using asker = await Deno.connectTls({
    hostname: "127.0.0.1",
    port: Number(proxy.server.port),
    caCerts: [proxy.caPem],
  });
  await asker.write(
    new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: it\r\n\r\n"),
  );
  // What nobody reads fills the connection, and then nothing more is asked of the server.
  let before = 0;
  await until(() => {
    const isStill = pulled > 0 && pulled === before;
    before = pulled;
    return isStill;
  }, { everyMs: 200, what: () => "an answer that does not get on" });
  asker.close();
  await limited(
    proxy[Symbol.asyncDispose](),
    () => "the end of the proxy",
    20_000,
  );
});
