import { strictEqual } from "node:assert/strict";
import { type StoreCases, T } from "./samples.ts";

/** Numbers that somebody keeps in a store. */
export const markCases: StoreCases = {
  async "setMark() keeps a number if what is there was seen, also over a restart"(
    { store, reopen },
  ) {
    strictEqual(await store.getMark(T, "results a"), undefined);
    const first = { value: 7, seen: undefined };
    strictEqual(await store.setMark(T, "results a", first), true);
    strictEqual(await store.setMark(T, "results a", first), false);
    strictEqual(
      await store.setMark(T, "results a", { value: 9, seen: 8 }),
      false,
    );
    strictEqual(await store.getMark(T, "results a"), 7);
    const large = Number.MAX_SAFE_INTEGER;
    strictEqual(
      await store.setMark(T, "results a", { value: large, seen: 7 }),
      true,
    );
    const again = await reopen();
    strictEqual(await again.getMark(T, "results a"), large);
  },

  async "setMark() lets one of many win who have seen the same"({ store }) {
    const tries = await Promise.all(
      Array.from(
        { length: 20 },
        (_, value) => store.setMark(T, "m", { value, seen: undefined }),
      ),
    );
    strictEqual(tries.filter(Boolean).length, 1);
    strictEqual(await store.getMark(T, "m"), tries.indexOf(true));
  },

  async "marks of tenants and names have nothing to do with each other"(
    { store },
  ) {
    const names = ["a", "a b", 'a"', "enq", "ended", "é\u0000"];
    for (const [value, name] of names.entries()) {
      await store.setMark(T, name, { value, seen: undefined });
      await store.setMark("other", name, {
        value: -1 - value,
        seen: undefined,
      });
    }
    for (const [value, name] of names.entries()) {
      strictEqual(await store.getMark(T, name), value);
      strictEqual(await store.getMark("other", name), -1 - value);
    }
  },
};
