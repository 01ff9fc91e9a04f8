import { rejects, strictEqual } from "node:assert/strict";
import { limited, until } from "./until.ts";

Deno.test("until() returns the first answer that is one", async () => {
  const answers = [undefined, false, 0, 1];
  strictEqual(await until(() => answers.shift(), { everyMs: 1 }), 0);
});

Deno.test("until() gives up, and says what it waited for", async () => {
  const options = { everyMs: 1, waitMs: 5 };
  await rejects(until(() => undefined, options), {
    message: /^Cannot wait longer than 5 ms for \(\) ?=> ?undefined$/,
  });
  await rejects(until(() => false, { ...options, what: () => "Godot" }), {
    message: "Cannot wait longer than 5 ms for Godot",
  });
});

Deno.test("limited() gives up, and says what it waited for", async () => {
  strictEqual(await limited(Promise.resolve(1), () => "it"), 1);
  await rejects(limited(new Promise(() => {}), () => "Godot", 5), {
    message: "Cannot wait longer than 5 ms for Godot",
  });
});
