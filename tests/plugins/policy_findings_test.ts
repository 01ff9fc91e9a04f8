/** What a policy finds is read page by page, however much it is. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { ObjectPage } from "@transporter/sdk";
import { ROOT } from "../files.ts";
import { PluginSystem } from "./plugin_agent.ts";

/** So many objects; each third one has no label. */
function manifests(count: number): string {
  return Array.from({ length: count }, (_, i) =>
    `apiVersion: v1
kind: ConfigMap
metadata:
  name: map-${i}
  labels: ${i % 3 === 0 ? "{}" : "{ team: a }"}
`).join("---\n");
}

Deno.test("findings are paged: each of them once, the worst first", async () => {
  await using system = await PluginSystem.start([
    "--plugin",
    `${ROOT}examples/custom_executor/mod.ts`,
  ]);
  const label = (name: string, severity: string) => ({
    name,
    type: "required_label",
    parameters: { label: name },
    severity,
  });
  const view = await system.run("policy", {
    policy_rules: [label("team", "error"), label("tier", "info")],
    manifests: [manifests(900)],
  });
  strictEqual(view.state, "completed", view.message);
  const found: string[] = [];
  let pages = 0;
  for (let cursor = ""; pages < 9; pages++) {
    const answer = await fetch(
      `${system.cp.url}/v2/events/${view.spec.id}/objects?limit=500${
        cursor && `&cursor=${cursor}`
      }`,
    );
    const page: ObjectPage = await answer.json();
    strictEqual(page.total, 1200);
    deepStrictEqual(page.counts, { error: 300, info: 900 });
    found.push(...page.items.map(({ name, status }) => `${status} ${name}`));
    if (page.next_cursor === undefined) break;
    cursor = page.next_cursor;
  }
  strictEqual(pages, 2);
  strictEqual(new Set(found).size, 1200);
  deepStrictEqual(
    found.slice(0, 300).filter((each) => !each.startsWith("error")),
    [],
  );
  match(JSON.stringify(view.result?.["summary"]), /"objects":900,"error":300/);
});
