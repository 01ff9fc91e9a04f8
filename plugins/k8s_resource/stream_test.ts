import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { NoAnswer } from "./no_answer.ts";
import { ApiStream } from "./stream.ts";
import { Transport } from "./transport.ts";

/** A server whose answers are written by a test, chunk by chunk, and what a transport has of the first. */
async function open(
  options: { readonly clock?: Clock; readonly statuses?: number[] } = {},
) {
  const { clock = systemClock, statuses = [200] } = options;
  let writer: ReadableStreamDefaultController<Uint8Array> | undefined;
  const left = Promise.withResolvers<void>();
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
  }, () => {
    const status = statuses.shift() ?? 200;
    if (status !== 200) return new Response("no", { status });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        writer = controller;
      },
      cancel: () => left.resolve(),
    });
    return new Response(body);
  });
  const access = {
    server: `http://127.0.0.1:${server.addr.port}`,
    connection: {},
  };
  const transport = new Transport({
    // Each has credentials of its own, so that a refused one is tried again.
    access: { current: () => Promise.resolve({ ...access }) },
    clock,
    requestTimeoutMs: 1_000,
  });
  const stop = new AbortController();
  const answer = await transport.open({ method: "GET", path: "/x" }, {
    signal: stop.signal,
    lifeMs: 2_000,
  });
  return {
    answer,
    stop,
    left: left.promise,
    write: (text: string) => writer?.enqueue(new TextEncoder().encode(text)),
    end: () => writer?.close(),
    async [Symbol.asyncDispose]() {
      if (answer instanceof ApiStream) await answer[Symbol.asyncDispose]();
      transport[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

function streamOf(answer: unknown): ApiStream {
  ok(answer instanceof ApiStream);
  return answer;
}

Deno.test("ApiStream.lines() gives whole lines as they come, however they are cut", async () => {
  await using opened = await open();
  const lines = streamOf(opened.answer).lines();
  opened.write('{"a":');
  opened.write('"b"}\n{"c"');
  deepStrictEqual((await lines.next()).value, '{"a":"b"}');
  opened.write(":1}\nx\ny\nhalf");
  opened.end();
  const rest: string[] = [];
  for await (const line of lines) rest.push(line);
  deepStrictEqual(rest, ['{"c":1}', "x", "y"]);
});

Deno.test("ApiStream.lines() ends with NoAnswer when the answer does not end in time", async () => {
  const clock = new TestClock();
  await using opened = await open({ clock });
  const lines = streamOf(opened.answer).lines();
  opened.write("a\n");
  strictEqual((await lines.next()).value, "a");
  const next = rejects(
    lines.next(),
    (error) =>
      error instanceof NoAnswer && /did not end in 2000 ms/.test(error.message),
  );
  await clock.advance(2_000);
  await next;
});

Deno.test("ApiStream.lines() ends with the reason of its signal", async () => {
  await using opened = await open();
  const next = streamOf(opened.answer).lines().next();
  const reason = new RangeError("Enough");
  opened.stop.abort(reason);
  await rejects(next, reason);
});

Deno.test("an ApiStream that is disposed ends at its server, too", async () => {
  await using opened = await open();
  opened.write("a\n");
  for await (const line of streamOf(opened.answer).lines()) {
    strictEqual(line, "a");
    break;
  }
  await streamOf(opened.answer)[Symbol.asyncDispose]();
  await opened.left;
});

Deno.test("Transport.open() gives an answer back that is no success, and asks once more after a 401", async () => {
  await using refused = await open({ statuses: [410] });
  ok(!(refused.answer instanceof ApiStream));
  deepStrictEqual([refused.answer.status, refused.answer.text], [410, "no"]);
  await using again = await open({ statuses: [401] });
  ok(again.answer instanceof ApiStream);
});
