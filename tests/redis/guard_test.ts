import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { openRedisStore } from "../../cp/store/redis.ts";
import { readInfo, readSettings } from "../../cp/store/redis_guard.ts";
import { event, session, T, to } from "../../cp/store/testing/samples.ts";
import { until } from "../system.ts";
import { type RedisOptions, startRedis } from "./server.ts";
import { startPlace } from "./store.ts";

Deno.test("durability says what a commit is worth, by the settings of Redis", async () => {
  const cases: readonly (readonly [RedisOptions, string])[] = [
    [{}, "fsync"],
    [{ appendfsync: "everysec" }, "everysec"],
    [{ appendfsync: "no" }, "memory"],
    [{ appendfsync: "off" }, "memory"],
    // It does not sync while it writes its file anew.
    [{ config: ["no-appendfsync-on-rewrite yes"] }, "memory"],
  ];
  for (const [options, durability] of cases) {
    await using place = await startPlace(options);
    const store = await place.open();
    strictEqual(store.durability, durability, JSON.stringify(options));
    strictEqual(store.replicated, 0);
    await store.probe();
  }
});

Deno.test("durability overstates nothing where the user may not read the settings", async () => {
  const config = ["user cp on >pw ~* &* +@all -config|get"];
  for (const appendfsync of ["no", "everysec", "always", "off"] as const) {
    await using redis = await startRedis({ appendfsync, config });
    const url = `redis://cp:pw@127.0.0.1:${redis.port}`;
    await using store = await openRedisStore({ url });
    strictEqual(store.durability, "memory", appendfsync);
    match(
      store.because ?? "",
      appendfsync === "off" ? /^aof_enabled:0$/ : /config\|get/,
    );
    await store.probe();
    // It is found out as soon as it may be.
    await redis.ask("ACL", "SETUSER", "cp", "+config|get");
    await store.probe();
    const known = { always: "fsync", everysec: "everysec" } as const;
    strictEqual(
      store.durability,
      appendfsync === "always" || appendfsync === "everysec"
        ? known[appendfsync]
        : "memory",
    );
  }
});

Deno.test("appendfsync no at run time: probe() fails and durability says so, until it is put back", async () => {
  await using place = await startPlace();
  const store = await place.open();
  await place.redis.ask("CONFIG", "SET", "appendfsync", "no");
  await rejects(store.probe(), {
    code: "store_unavailable",
    message: /"appendfsync no", and had "appendfsync always"/,
  });
  strictEqual(store.durability, "memory");
  await place.redis.ask("CONFIG", "SET", "appendfsync", "always");
  await store.probe();
  strictEqual(store.durability, "fsync");
});

Deno.test("a Redis that throws away what it keeps is refused, also at run time", async () => {
  const evicts = { code: "store_unavailable", message: /allkeys-lru/ };
  const limit = ["maxmemory 50mb"];
  await using bad = await startRedis({
    config: [...limit, "maxmemory-policy allkeys-lru"],
  });
  await rejects(openRedisStore({ url: bad.url }), evicts);
  await using place = await startPlace({ config: limit });
  const store = await place.open();
  await place.redis.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
  await rejects(store.probe(), evicts);
});

Deno.test("readSettings() and readInfo() see policies that evict only where there is a limit", () => {
  const policy = ["maxmemory-policy", "allkeys-lfu"] as const;
  const limited = new Map([policy, ["maxmemory", "1"]]);
  strictEqual(readSettings(limited).evicts, "maxmemory-policy allkeys-lfu");
  strictEqual(readSettings(new Map([policy])).evicts, undefined);
  deepStrictEqual(readInfo("aof_enabled:1\r\nmaxmemory:0\r\n"), {
    durability: "memory",
    because: "aof_enabled:1, and no right to read appendfsync (config|get)",
  });
  const info = "aof_enabled:0\r\nmaxmemory:1\r\nmaxmemory_policy:allkeys-lru";
  deepStrictEqual(readInfo(info), {
    durability: "memory",
    because: "aof_enabled:0",
    evicts: "maxmemory-policy allkeys-lru",
  });
});

Deno.test("without memory nothing new is taken (disk_full), and what was accepted ends", async () => {
  await using place = await startPlace();
  const store = await place.open();
  await store.createEvent(T, event("a"));
  const { gen } = await store.openSession(T, session("edge-1"));
  await place.redis.ask("CONFIG", "SET", "maxmemory", "1");
  const full = { code: "disk_full", message: /maxmemory is used up/ };
  const fence = { agent: "edge-1", gen, sid: 1 };
  // In one turn, so in one run of the script: the one does not take the other with it.
  const [created, changed] = await Promise.allSettled([
    store.createEvent(T, event("b")),
    store.changeEvent(T, "a", to("in_progress"), fence),
  ]);
  strictEqual(created.status === "rejected" && created.reason.code, full.code);
  strictEqual(changed.status, "fulfilled");
  await rejects(store.probe(), full);
  await rejects(
    store.addLogs(T, "a", [{ attempt: 1, stream: "s", off: 0, data: "x" }]),
    full,
  );
  await store.changeEvent(T, "a", to("completed", {}, { finishedAt: 1 }));
  strictEqual((await store.getEvent(T, "a"))?.state, "completed");
  await place.redis.ask("CONFIG", "SET", "maxmemory", "0");
  await store.createEvent(T, event("b"));
});

Deno.test("?replicas=1 has a write wait until a replica has it", async () => {
  await using redis = await startRedis({
    config: ["repl-diskless-sync-delay 0"],
  });
  await using replica = await startRedis({
    config: [`replicaof 127.0.0.1 ${redis.port}`],
  });
  await redis.ask("WAIT", "1", "0"); // until it has begun to follow
  await using store = await openRedisStore({ url: `${redis.url}?replicas=1` });
  strictEqual(store.replicated, 1);
  await store.createEvent(T, event("a"));
  await replica.kill("SIGSTOP");
  await rejects(store.createEvent(T, event("b")), {
    code: "store_unavailable",
    message: /0 of 1 replicas/,
  });
  await replica.kill("SIGCONT");
  await rejects(openRedisStore({ url: replica.url }), {
    code: "store_unavailable",
    message: /is a replica/,
  });
});

Deno.test("a master that becomes a replica is not written to, and goes on when it is one again", async () => {
  await using place = await startPlace();
  await using other = await startRedis();
  const store = await place.open();
  await store.createEvent(T, event("a"));
  const { redis } = place;
  await redis.ask("REPLICAOF", "127.0.0.1", `${other.port}`);
  await rejects(store.createEvent(T, event("b")), {
    code: "store_unavailable",
    message: /is a replica|no connection/,
  });
  await redis.ask("REPLICAOF", "NO", "ONE");
  await until(() => store.probe().then(() => true, () => undefined));
  strictEqual((await store.createEvent(T, event("b"))).created, true);
});
