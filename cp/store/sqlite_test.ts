import { testStore } from "./store_suite.ts";
import { openSqliteStore } from "./sqlite.ts";
import { tempFolder } from "./testing/folder.ts";

testStore("sqlite", {
  async open() {
    const folder = await tempFolder();
    const path = `${folder.path}/store.db`;
    let store = await openSqliteStore({ path });
    return {
      store,
      async reopen() {
        await store[Symbol.asyncDispose]();
        return store = await openSqliteStore({ path });
      },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  },
});
