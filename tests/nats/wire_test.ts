import { dialNats } from "@transporter/sdk/nats";
import { testDial, testWire } from "@transporter/sdk/testing";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { openPair } from "./pair.ts";
import { NatsServer } from "./server.ts";

// For all tests of this file; it ends with the process.
const server = await NatsServer.start();

testWire("nats", { open: () => openPair(server) });

testDial("nats", {
  dial: (url, options) => dialNats(url, { ...options, agentId: "edge-7" }),
  nobody: new URL("nats://127.0.0.1:1"),
  async silent() {
    const sockets = new Set<Socket>();
    const listener = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {}); // the client went away
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (typeof address !== "object" || address === null) throw new Error();
    return {
      url: new URL(`nats://127.0.0.1:${address.port}`),
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        listener.close();
        await once(listener, "close");
      },
    };
  },
});
