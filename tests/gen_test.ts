import { match, ok, strictEqual } from "node:assert/strict";
import { firstDifference } from "./gen.ts";
import { interfaces, section } from "./gen/doc.ts";

Deno.test("firstDifference() names the first line that differs", () => {
  strictEqual(firstDifference("a\nb\n", "a\nb\n"), undefined);
  strictEqual(firstDifference("a\n", undefined), "is missing");
  strictEqual(
    firstDifference("a\nb\nc\n", "a\nx\nc\n"),
    "differs in line 2:\n  - x\n  + b",
  );
  strictEqual(
    firstDifference("a\n", "a\nb"),
    "differs in line 2:\n  - b\n  + ",
  );
  strictEqual(
    firstDifference("a", "a\nb"),
    "differs in line 2:\n  - b\n  + (its end)",
  );
});

Deno.test("section() has a row for each field, as on the wire", async () => {
  const types = await interfaces("sdk/frame.ts");
  const welcome = types.get("WelcomeFrame");
  ok(welcome);
  const text = section(welcome);
  match(text, /^## WelcomeFrame\n\n\S/);
  match(text, /^\| `type` \| "welcome" \| .+ \|$/m);
  match(
    text,
    /^\| `resume` \| "resumed" or "fresh" or "reconcile" \| .+ \|$/m,
  );
  const update = types.get("StatusUpdateFrame");
  ok(update);
  match(section(update), /It also has the fields of EventStatus/);
});
