import { deepStrictEqual } from "node:assert/strict";
import { dialHttp, HttpAcceptor, type HttpPush } from "./http.ts";

const { signal } = new AbortController();

/** Until all that was begun has gone as far as it can by itself. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("HttpAcceptor answers the first frame at once, and those that follow soon together", async () => {
  const patience = { waitMs: 60_000, signal };
  using acceptor = new HttpAcceptor({ gatherMs: 60_000 });
  const { session, wire } = acceptor.open();
  const first = acceptor.poll(session, 0, patience);
  await wire.send("event");
  deepStrictEqual(await first, { frames: ["event"] });

  const second = acceptor.poll(session, 1, patience);
  await wire.send("receipt 1");
  await turn();
  await wire.send("receipt 2");
  await turn();
  wire.close(); // which nobody has to wait for
  deepStrictEqual(await second, {
    frames: ["receipt 1", "receipt 2"],
    close: { code: 1000, reason: "" },
  });
});

Deno.test("dialHttp() posts frames together that are sent soon after each other", async () => {
  using acceptor = new HttpAcceptor();
  const pushed: (readonly string[])[] = [];
  const all = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/v2/link/sessions") {
        return Response.json({ session: acceptor.open().session });
      }
      if (request.method === "GET") {
        const session = searchParams.get("session") ?? "";
        const after = Number(searchParams.get("after"));
        const patience = { waitMs: 60_000, signal };
        return Response.json(await acceptor.poll(session, after, patience));
      }
      const { session, ...push }: { session: string } & HttpPush = await request
        .json();
      pushed.push(push.frames);
      if (push.frames.includes("status 2")) all.resolve();
      await acceptor.push(session, push);
      return Response.json({});
    },
  );
  const url = new URL(`http://127.0.0.1:${server.addr.port}`);
  const options = { signal, frameBytesMax: 1024, gatherMs: 500 };
  const wire = await dialHttp(url, options);
  for (const frame of ["receipt", "status 1", "status 2"]) {
    await wire.send(frame);
    await turn();
  }
  await all.promise;
  await wire.close();
  deepStrictEqual(pushed, [["receipt", "status 1", "status 2"], []]);
});
