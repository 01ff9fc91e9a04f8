import { testStore } from "./store_suite.ts";
import { openSqliteStore } from "./sqlite.ts";

testStore("sqlite", {
  async open() {
    const folder = await Deno.makeTempDir({ prefix: "sqlite_" });
    const path = `${folder}/store.db`;
    let store = await openSqliteStore({ path });
    return {
      store,
      async reopen() {
        await store[Symbol.asyncDispose]();
        return store = await openSqliteStore({ path });
      },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      },
    };
  },
});
