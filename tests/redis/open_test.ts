import {
  doesNotMatch,
  match,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { systemClock, TransporterError } from "@transporter/sdk";
import { openArchive, openStore, refuseForRedis } from "../../cp/open_store.ts";
import {
  checkServer,
  openRedisArchive,
  openRedisStore,
} from "../../cp/store/redis.ts";
import {
  AT,
  event,
  release,
  session,
  T,
  to,
} from "../../cp/store/testing/samples.ts";
import { freePort } from "../free_port.ts";
import { Program } from "../program.ts";
import { startRedis } from "./server.ts";
import { startPlace } from "./store.ts";

Deno.test("openRedisStore() takes a user, a password file, TLS with a CA, a socket, and the number of a database", async () => {
  const user = { name: "cp", password: "s3:cret/@" };
  await using redis = await startRedis({ user, tls: true });
  const passwordFile = `${redis.dir}/password`;
  await Deno.writeTextFile(passwordFile, `${user.password}\n`);
  const named = "cp@127.0.0.1";
  const caFile = redis.caFile;
  const ways = [
    { url: redis.url },
    { url: `redis://${named}:${redis.port}`, passwordFile },
    { url: redis.tlsUrl, caFile },
    { url: `rediss://${named}:${redis.tlsPort}/0`, passwordFile, caFile },
    // It has no place for a user: this is who everybody is without a name.
    { url: `redis+unix://${redis.socket}`, passwordFile },
  ];
  for (const [i, way] of ways.entries()) {
    await using store = await openRedisStore(way);
    strictEqual((await store.listEvents(T, { limit: 99 })).length, i, way.url);
    await store.createEvent(T, event(`e${i}`));
  }
  await using elsewhere = await openRedisStore({ url: `${redis.url}/3` });
  strictEqual((await elsewhere.listEvents(T, { limit: 9 })).length, 0);
});

Deno.test("openRedisStore() says in one sentence why it cannot, and never the password", async () => {
  const user = { name: "cp", password: "hunter2" };
  await using redis = await startRedis({ user, tls: true });
  const wrong = redis.url.replace("hunter2", "hunter3");
  const nobody = `redis://cp:hunter2@127.0.0.1:1`;
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [wrong, "store_unavailable", /does not take this user and password/],
    [nobody, "store_unavailable", /ECONNREFUSED|refused/],
    [redis.tlsUrl, "store_unavailable", /certificate|issuer/i],
    [`${redis.url}?x=1`, "usage", /"x", which is not known/],
    ["redis+sentinel://:hunter2@a,b/m", "usage", /Sentinel is not spoken/],
    ["redis+cluster://:hunter2@a,b", "usage", /a cluster cannot/],
    ["redis://:hunter2@a:1,b:2", "usage", /cannot be read/],
    ["redis://:hunter2@/0", "usage", /names no host|cannot be read/],
    ["valkey://:hunter2@a", "usage", /is not known/],
    ["redis-sentinel://:hunter2@a:1,b:2/0#m", "usage", /Sentinel is not/],
    ["rediss-sentinel://:hunter2@a:1/0#m", "usage", /Sentinel is not/],
    ["rediss+sentinel://:hunter2@a:1,b:2/m", "usage", /Sentinel is not/],
    ["sentinel://:hunter2@a:1/m", "usage", /Sentinel is not spoken/],
    ["redis-cluster://:hunter2@a:1,b:2", "usage", /a cluster cannot/],
    ["rediss-cluster://:hunter2@a", "usage", /a cluster cannot/],
    ["redis://:hunter%ss@a", "usage", /"redis:\/\/a": write each "%"/],
    ["redis://hunter%ss@a", "usage", /"redis:\/\/a": write each "%"/],
    ["redis+unix:///a%ss", "usage", /write each "%" in it as "%25"/],
  ];
  for (const [url, code, message] of cases) {
    await rejects(openRedisStore({ url }), (error) => {
      if (!(error instanceof TransporterError)) throw error;
      strictEqual(error.code, code, url);
      strictEqual(message.test(error.message), true, error.message);
      doesNotMatch(error.message, /hunter/);
      return true;
    });
  }
});

Deno.test("openStore() and openArchive() show no password of a URL that they do not know", async () => {
  const options = { dataDir: undefined, clock: systemClock };
  for (
    const [url, message] of [
      ["redis-sentinel://:hunter2@a:26379/0#m", /Sentinel is not spoken/],
      ["redis-cluster://:hunter2@a:1,b:2", /a cluster cannot/],
      ["sentinel://:hunter2@a", /Sentinel is not spoken/],
      [
        "postgres://u:hunter2@a/b",
        /"postgres:\/\/u:\*\*\*@a\/b": --store must/,
      ],
    ] as const
  ) {
    for (const open of [openStore, openArchive]) {
      await rejects(open(url, options), (error) => {
        if (!(error instanceof TransporterError)) throw error;
        strictEqual(error.code, "usage");
        match(error.message, message);
        doesNotMatch(error.message, /hunter/);
        return true;
      });
    }
  }
});

Deno.test("openRedisStore() refuses a Sentinel, whose port was taken for that of a server", async () => {
  await using redis = await startRedis();
  const port = freePort();
  const file = `${redis.dir}/sentinel.conf`;
  await Deno.writeTextFile(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${redis.dir}\nsentinel monitor m 127.0.0.1 ${redis.port} 1\n`,
  );
  await using sentinel = new Program(
    new Deno.Command("redis-server", {
      args: [file, "--sentinel"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  await sentinel.line(/monitor master m/);
  await rejects(openRedisStore({ url: `redis://127.0.0.1:${port}` }), {
    code: "usage",
    message: /^Cannot keep events in a Redis Sentinel, .*: name the master/,
  });
});

Deno.test("a password file with a password in the URL is refused, and a CA file without TLS", async () => {
  await using redis = await startRedis({ tls: true });
  const url = `redis://:hunter2@127.0.0.1:${redis.port}`;
  const passwordFile = `${redis.dir}/password`;
  await Deno.writeTextFile(passwordFile, "hunter3");
  for (const open of [openRedisStore, openRedisArchive]) {
    await rejects(open({ url, passwordFile }), {
      code: "usage",
      message: /^Cannot use --redis-password-file with a password in the URL/,
    });
  }
  const options = {
    dataDir: undefined,
    clock: systemClock,
    redisCaFile: redis.caFile,
  };
  const noTls = {
    code: "usage",
    message: /--redis-ca-file as no store speaks/,
  };
  await rejects(openStore(redis.url, options), noTls);
  await rejects(openStore(`redis+unix://${redis.socket}`, options), noTls);
  throws(() => refuseForRedis(options, ["sqlite:/a", redis.url]), noTls);
  // Of a move from one to the other, one has it.
  refuseForRedis(options, [redis.url, redis.tlsUrl]);
  await using _opened = await openStore(redis.tlsUrl, options);
  const sentinel = openStore("redis-sentinel://a", options);
  await rejects(sentinel, { code: "usage", message: /Sentinel is not spoken/ });
});

Deno.test("openRedisStore() refuses what a newer program wrote, and an older one", async () => {
  await using place = await startPlace();
  await (await place.open())[Symbol.asyncDispose]();
  for (
    const [schema, message] of [
      ["4", /version 4, and this program knows version 3: use the program/],
      ["2", /version 2, and this program knows version 3: move it to SQLite/],
    ] as const
  ) {
    await place.redis.ask("HSET", "tp:meta", "schema", schema);
    await rejects(place.open(), { code: "unsupported_version", message });
  }
});

Deno.test("checkServer() takes Redis 7 and newer that is not in a cluster", () => {
  checkServer("redis_version:7.0.15\r\nredis_mode:standalone\r\n");
  checkServer("redis_version:8.2.1\r\n");
  throws(() => checkServer("redis_version:6.2.14\r\n"), {
    code: "unsupported_version",
    message: /Redis 6\.2\.14: Redis 7/,
  });
  throws(() => checkServer("redis_version:7.2.0\r\nredis_mode:cluster\r\n"), {
    code: "usage",
    message: /a Redis cluster/,
  });
});

Deno.test("a store whose Redis lost everything refuses to go on as if nothing was", async () => {
  await using place = await startPlace({ appendfsync: "off" });
  const store = await place.open();
  await store.createEvent(T, event("a"));
  await place.redis.kill("SIGKILL");
  await place.redis.start();
  const again = await place.open(); // a control plane that starts now has a new store
  await again.createEvent(T, event("b"));
  let error: unknown;
  do {
    error = await store.createEvent(T, event("c")).catch((error) => error);
  } while (error instanceof Error && /no connection/.test(error.message));
  strictEqual(
    error instanceof Error && /restart the control plane/.test(error.message),
    true,
  );
});

Deno.test("docs/redis.md: the user that it makes may do what is needed, and not more", async () => {
  const page = await Deno.readTextFile(
    new URL("../../docs/redis.md", import.meta.url),
  );
  const line = /^user cp on .*$/m.exec(page)?.[0].replace(">PASSWORD", ">pw");
  await using redis = await startRedis({ config: [line ?? ""] });
  await redis.ask("SET", "another", "1");
  const url = `redis://cp:pw@127.0.0.1:${redis.port}`;
  {
    await using store = await openRedisStore({ url });
    strictEqual(store.durability, "fsync");
    await using _listening = await store.listen({
      committed: () => {},
      missed: () => {},
    });
    for (const id of ["a", "b"]) await store.createEvent(T, event(id));
    const { gen } = await store.openSession(T, session("edge-1"));
    await store.releaseEvents(T, release(gen));
    const end = { finishedAt: AT };
    await store.changeEvent(T, "a", to("completed", {}, end));
    await store.sweep({
      finishedBefore: AT + 1,
      finishedMax: 9,
      until: () => AT,
      at: AT,
      limit: 9,
    });
    await store.listEvents(T, { states: ["assigned"], limit: 9 });
    await store.listChanges(T, 0, 9);
    await store.probe();
    const seating = { taken: [], left: [] };
    for (let beats = 0; beats < 50; beats++) {
      await store.seats.beat("a", seating);
      if ((await store.seats.replicas())[0]?.aheadMs !== undefined) break;
    }
    const [replica] = await store.seats.replicas();
    strictEqual(typeof replica?.aheadMs, "number");
    // One that was made before clocks were compared goes on.
    await redis.ask("ACL", "SETUSER", "cp", "-time");
    await store.seats.beat("a", seating);
    await redis.ask("ACL", "SETUSER", "cp", "+time");
  }
  await using _archive = await openRedisArchive({ url });
  const asked = await new Deno.Command("redis-cli", {
    args: ["-u", url, "GET", "another"],
  }).output();
  match(new TextDecoder().decode(asked.stdout), /NOPERM/);
});
