import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { memoryWires } from "@transporter/sdk/memory";
import { ownWire, readBrokers } from "./agent_broker.ts";

Deno.test("readBrokers() takes servers of this machine, and others that ask who is there", async () => {
  const texts = [
    "nats://127.0.0.1:4222",
    "nats://localhost",
    "nats://[::1]:4222",
    "nats://cp:s3cret@broker:4222",
    "tls://broker:4222?creds=/etc/tp/cp.creds",
    "nats+wss://broker/?nkey=/etc/tp/cp.nk",
  ];
  const urls = await readBrokers(texts);
  deepStrictEqual(urls.map(({ href }) => href), texts);
});

Deno.test("readBrokers() refuses what is no server, and servers that let everybody in", async () => {
  for (const text of ["", "ws://broker", "nats://", "broker:4222"]) {
    await rejects(readBrokers([text]), { code: "usage", message: /nats\+wss/ });
  }
  await rejects(readBrokers(["nats://u:pa%ss@broker"]), {
    code: "usage",
    message: /"nats:\/\/broker": write each "%" in it as "%25"/,
  });
  await rejects(readBrokers(["nats://broker:4222"]), {
    code: "usage",
    message: /without credentials/,
  });
});

Deno.test("ownWire() lets nobody register as another agent than the wire's", async () => {
  for (const first of ['{"id":"b"}', "{}", "[]", "gibberish"]) {
    const [near, far] = memoryWires();
    await near.send(first);
    const frames = ownWire(far, "a").frames[Symbol.asyncIterator]();
    await rejects(frames.next(), { code: "denied", message: /than "a"/ });
  }
  const [near, far] = memoryWires();
  await near.send('{"id":"a"}');
  await near.send('{"id":"b"}');
  const frames = ownWire(far, "a").frames[Symbol.asyncIterator]();
  strictEqual((await frames.next()).value, '{"id":"a"}');
  strictEqual((await frames.next()).value, '{"id":"b"}'); // only the first one registers
});
