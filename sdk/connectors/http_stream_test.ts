import { rejects } from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import { abortable, deadline, systemClock, TransporterError } from "../mod.ts";
import { readStream } from "./http_stream.ts";

/** Collects garbage, as the runtime does by itself sooner or later. */
async function collectGarbage(): Promise<void> {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  // What is known by a weak reference goes after the turn that it was last used in.
  for (let turn = 0; turn < 10; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("readStream() ends when it is called off, however long ago the answer began", async () => {
  const closing = new AbortController();
  await using stack = new AsyncDisposableStack();
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      signal: closing.signal,
    },
    () =>
      new Response(
        new ReadableStream({
          start: (answer) =>
            answer.enqueue(new TextEncoder().encode(": x\n\n")),
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  );
  stack.defer(() => server.finished);
  stack.defer(() => closing.abort()); // with its connections
  const base = new URL(`http://127.0.0.1:${server.addr.port}/`);
  const opened = Promise.withResolvers<void>();
  const off = new AbortController();
  const reading = Array.fromAsync(readStream(
    { base, token: undefined, bytesMax: 1000 },
    {
      path: "stream",
      firstMs: 10_000,
      opened: () => opened.resolve(),
      signal: off.signal,
    },
  ));
  await opened.promise;
  await collectGarbage();
  using late = deadline(systemClock, 10_000, {
    reason: new Error("It is still being read"),
  });
  const over = new TransporterError("cancelled", "Called off");
  off.abort(over);
  await rejects(abortable(reading, late.signal), over);
});
