import {
  match,
  notStrictEqual,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { startRedis } from "./server.ts";

Deno.test("startRedis() keeps what it said it had written through a kill, on the same port", async () => {
  await using redis = await startRedis();
  const { port, pid } = redis;
  strictEqual(
    await redis.ask("CONFIG", "GET", "appendfsync"),
    "appendfsync\nalways",
  );
  strictEqual(await redis.ask("SET", "a", "1"), "OK");
  await redis.kill("SIGKILL");
  await rejects(redis.ask("GET", "a"), /Could not connect/);
  await redis.start();
  strictEqual(redis.port, port);
  notStrictEqual(redis.pid, pid);
  strictEqual(await redis.ask("GET", "a"), "1");
});

Deno.test("startRedis() gives each test a server of its own, which forgets without a file", async () => {
  await using one = await startRedis({ appendfsync: "off" });
  await using other = await startRedis();
  notStrictEqual(one.port, other.port);
  await one.ask("SET", "a", "1");
  strictEqual(await other.ask("EXISTS", "a"), "0");
  await one.kill("SIGKILL");
  await one.start();
  strictEqual(await one.ask("EXISTS", "a"), "0");
});

Deno.test("startRedis() can be asked for a user and for TLS, stopped and let go on", async () => {
  const user = { name: "cp", password: "s3:cret/" };
  await using redis = await startRedis({ user, tls: true });
  strictEqual(redis.url, `redis://cp:s3%3Acret%2F@127.0.0.1:${redis.port}`);
  match(await redis.ask("ACL", "LIST"), /user cp on/);
  const caCerts = [await Deno.readTextFile(redis.caFile)];
  const options = { hostname: "127.0.0.1", port: redis.tlsPort, caCerts };
  using connection = await Deno.connectTls(options);
  await connection.handshake();
  await redis.kill("SIGSTOP");
  const answer = redis.ask("DBSIZE");
  await redis.kill("SIGCONT");
  strictEqual(await answer, "0");
});
