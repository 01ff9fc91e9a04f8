import { match, rejects, strictEqual } from "node:assert/strict";
import { freePort } from "../free_port.ts";
import { hasRedis } from "../redis/server.ts";
import { lacksRedis, prepareRedis, sleepRedis } from "./redis.ts";
import { Subject } from "./subject.ts";

async function ask(socket: string, ...args: readonly string[]) {
  const { stdout } = await new Deno.Command("redis-cli", {
    args: ["-s", socket, ...args],
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name:
    "sleepRedis() has a Redis sleep that is about to listen, and throws when it may not",
  ignore: !await hasRedis(),
  async fn() {
    const folder = await Deno.makeTempDir();
    {
      const launch = await prepareRedis(`${folder}/redis`, freePort());
      await using redis = new Subject({
        name: "redis",
        launch,
        ended: () => Promise.resolve(),
      });
      await sleepRedis(redis, 10_000); // it is down
      redis.up();
      await sleepRedis(redis, 2000);
      const socket = `${folder}/redis/redis.sock`;
      match(await ask(socket, "INFO", "commandstats"), /cmdstat_debug:calls=1/);
      await ask(socket, "ACL", "SETUSER", "default", "-debug");
      await rejects(sleepRedis(redis, 2000), {
        message: /^"redis" did not sleep: NOPERM/,
      });
    }
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("lacksRedis() is about a control plane that has not listened yet", () => {
  const last =
    '{"level":"error","message":"error[store_unavailable]: Cannot reach the store in Redis"}\n';
  strictEqual(lacksRedis(last), true);
  strictEqual(lacksRedis(`${last}{"level":"info"}\n`), false);
  strictEqual(
    lacksRedis(
      `{"level":"info","message":"Control plane listens","url":"http://x/"}\n${last}`,
    ),
    false,
  );
});
