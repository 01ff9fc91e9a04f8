import { openRedisStore } from "../../cp/store/redis.ts";
import { testStore } from "../../cp/store/store_suite.ts";
import { startRedis } from "./server.ts";

testStore("redis", {
  async open() {
    const redis = await startRedis();
    const { url } = redis;
    let store = await openRedisStore({ url });
    return {
      store,
      async reopen() {
        await store[Symbol.asyncDispose]();
        return store = await openRedisStore({ url });
      },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await redis[Symbol.asyncDispose]();
      },
    };
  },
});
