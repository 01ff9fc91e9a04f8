import { strictEqual } from "node:assert/strict";
import { openMemoryStore } from "./memory.ts";
import { testStore } from "./store_suite.ts";

testStore("memory", {
  open() {
    const store = openMemoryStore();
    return Promise.resolve({
      store,
      reopen: () => Promise.resolve(store),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    });
  },
});

Deno.test("openMemoryStore() says that nothing outlives the process", async () => {
  await using store = openMemoryStore();
  strictEqual(store.durability, "memory");
  strictEqual(store.replicated, 0);
});
