import { match, rejects, strictEqual, throws } from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { checkGo, NATS_VERSION } from "./build.ts";
import { NatsServer } from "./server.ts";

Deno.test("NatsServer keeps what it acknowledged when it is killed and started again on its port", async () => {
  await using server = await NatsServer.start();
  const { url } = server;
  {
    await using stack = new AsyncDisposableStack();
    const connection = await connect({ servers: url, reconnect: false });
    stack.defer(() => connection.close());
    strictEqual(connection.info?.version, NATS_VERSION);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "S", subjects: ["s"] });
    await jetstream(connection).publish("s", "kept");
    const closed = connection.closed();
    await server.crash();
    await closed;
  }
  await rejects(connect({ servers: url, reconnect: false }));
  await server.restart();
  strictEqual(server.url, url);
  const connection = await connect({ servers: url, reconnect: false });
  const manager = await jetstreamManager(connection);
  strictEqual((await manager.streams.info("S")).state.messages, 1);
  await connection.close();
});

Deno.test("NatsServer.start() quotes the server's log when it does not start", async () => {
  await rejects(
    NatsServer.start({ config: "no_such_setting: 1" }),
    { code: "unavailable", message: /no_such_setting/ },
  );
});

Deno.test("NatsServer listens for WebSockets when asked", async () => {
  await using server = await NatsServer.start({ websocket: true });
  const socket = new WebSocket(server.websocketUrl);
  const text = await new Promise<string>((resolve, reject) => {
    socket.onerror = reject;
    socket.onmessage = async ({ data }) => resolve(await data.text());
  });
  match(text, /^INFO /);
  await new Promise((resolve) => {
    socket.onclose = resolve;
    socket.close();
  });
});

Deno.test("checkGo() says what is missing, and how to go without", () => {
  checkGo("go1.26.8");
  for (const found of [undefined, "go1.19.8", "gibberish"]) {
    throws(() => checkGo(found), {
      code: "unavailable",
      message: /Go 1\.25 or newer .*--without nats/,
    });
  }
});
