import { ok, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { readFairly } from "./read_fairly.ts";

/** Sends a body in pieces of one byte, and hands the request to a reader. */
async function receive(
  bytes: number,
  read: (incoming: IncomingMessage) => void,
): Promise<void> {
  const server = createServer((incoming, outgoing) => {
    incoming.on("end", () => outgoing.end());
    read(incoming);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  const client = connect(address.port, "127.0.0.1");
  client.write(
    "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `${"1\r\nx\r\n".repeat(bytes)}0\r\n\r\n`,
  );
  client.resume();
  await once(client, "close");
  server.close();
  await once(server, "close");
}

Deno.test("readFairly() takes all there is, and gives timers a turn in between", async () => {
  let taken = 0;
  let inTurn = 0;
  let turns = 0;
  let most = 0;
  const turn = () => {
    inTurn = 0;
    turns++;
  };
  await receive(10_000, (incoming) => {
    readFairly(incoming, (chunk) => {
      if (inTurn === 0) setTimeout(turn, 0);
      inTurn++;
      most = Math.max(most, inTurn);
      taken += chunk.length;
    });
  });
  strictEqual(taken, 10_000);
  ok(turns >= 5, `${turns} turns`);
  ok(most <= 2000, `${most} pieces in a turn`);
});

Deno.test("readFairly() reads no further once it is disposed", async () => {
  let taken = 0;
  await receive(10_000, (incoming) => {
    const reading = readFairly(incoming, (chunk) => {
      taken += chunk.length;
      if (taken < 500) return;
      reading[Symbol.dispose]();
      incoming.resume();
    });
  });
  ok(taken >= 500 && taken <= 1000, `${taken}`);
});
