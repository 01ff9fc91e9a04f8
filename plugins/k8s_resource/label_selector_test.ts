import { strictEqual } from "node:assert/strict";
import { selectorOf } from "./label_selector.ts";

Deno.test("selectorOf() writes labels and requirements as a query does", () => {
  strictEqual(
    selectorOf({
      matchLabels: { app: "web", "a.io/b": "" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["x", "y"] },
        { key: "env", operator: "NotIn", values: ["dev"] },
        { key: "on", operator: "Exists" },
        { key: "off", operator: "DoesNotExist" },
      ],
    }, { hash: "1" }),
    "app=web,a.io/b=,tier in (x,y),env notin (dev),on,!off,hash=1",
  );
  strictEqual(selectorOf({ app: "web" }), "app=web");
});
