import { deepStrictEqual } from "node:assert/strict";
import { deleted } from "./deleted.ts";
import type { Operate } from "./entry.ts";
import { found, read, restore, submit } from "./sample.ts";

const DELETE: Operate = {
  kind: "operate",
  op: "delete",
  agent: "edge",
  at: 10,
  end: 12,
  outcome: "ok",
};

Deno.test("deleted() finds what is open although its agent was deleted", () => {
  deepStrictEqual(
    found(
      deleted,
      DELETE,
      submit("open", 1),
      read("open", 20, "queued"),
      submit("ended", 1),
      read("ended", 20, "cancelled"),
      submit("later", 11),
      read("later", 20, "queued"),
      submit("of another", 1, { agent: "other" }),
      read("of another", 20, "queued"),
      submit("tried again", 1),
      { ...DELETE, op: "retry", event: "tried again", at: 13, end: 14 },
      read("tried again", 20, "queued"),
    ),
    ["lost open"],
  );
});

Deno.test("deleted() does not judge a store that does not know of it any more", () => {
  const open = [submit("open", 1), read("open", 20, "queued")];
  deepStrictEqual(found(deleted, DELETE, restore(15, 5), ...open), []);
  deepStrictEqual(found(deleted, restore(5, 0), DELETE, ...open), []);
});
