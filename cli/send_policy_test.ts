import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { accepted, completed } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { ScriptedServer } from "./testing/server.ts";
import { findingsOf, judged } from "./findings.ts";
import { sarifOf } from "./sarif.ts";

const FILES = {
  "policies/a.yaml": "a: 1\n",
  "policies/b.yaml": "b: 2\n",
  "web.yaml": "kind: Deployment\n",
};

const RULE = { name: "team", type: "required_label" };

/** Sends a policy event with these flags. */
async function send(flags: readonly string[]) {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () => Response.json(accepted({}), { status: 202 }),
  );
  const { code, stderr } = await run(
    ["send", "policy", "--agent", "edge-7", "--wait=assigned", ...flags],
    { url: server.url, files: FILES },
  );
  const body = server.requests.find(({ route }) => route.startsWith("POST"))
    ?.body as { readonly payload: unknown } | undefined;
  return { code, stderr, payload: body?.payload };
}

Deno.test("send policy puts all that it was given into the payload", async () => {
  const { payload } = await send([
    ...["-f", "policies", "--rule", JSON.stringify(RULE), "-m", "web.yaml"],
    ...["--kind", "Pod", "--kind", "apps/v1/Deployment", "-n", "shop"],
    ...["--selector", "app=web,tier!=test", "--enforce"],
  ]);
  const live = { namespace: "shop", label_selector: "app=web,tier!=test" };
  deepStrictEqual(payload, {
    policies: ["a: 1\n", "b: 2\n"],
    policy_rules: [RULE],
    manifests: ["kind: Deployment\n"],
    targets: [
      { kind: "Pod", ...live },
      { kind: "Deployment", api_version: "apps/v1", ...live },
    ],
    namespace: "shop",
    mode: "enforce",
  });
});

Deno.test("send policy refuses what does not go together, and sends nothing", async () => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [["--rule", "{"], /--rule .*JSON/],
    [["-f", "web.yaml", "--selector", "a=b"], /--selector without --kind/],
    [["-f", "none.yaml", "--kind", "Pod"], /no such file/],
  ];
  for (const [flags, message] of refused) {
    const { code, stderr, payload } = await send(flags);
    strictEqual(code, 2, stderr);
    match(stderr, message);
    strictEqual(payload, undefined);
  }
});

const RESULT = {
  success: true,
  completed_at: "2026-11-28T05:04:28.345Z",
  duration: 1,
  summary: { objects: 7, error: 0, warning: 1, info: 1 },
  resource_status: [
    {
      ...{ kind: "Pod", name: "a b", namespace: "shop", api_version: "v1" },
      ...{ status: "warning", severity: "warning", message: "no" },
      ...{ policy: "p", rule: "validations[0]" },
    },
    {
      ...{ kind: "Node", name: "n", namespace: "", api_version: "v1" },
      ...{ status: "info", severity: "info", message: "so" },
      ...{ policy: "q", rule: 1 },
    },
  ],
};

Deno.test("judged() counts what was found, and says when that is nothing", () => {
  strictEqual(judged(RESULT), "1 warning, 1 info in 7 objects");
  strictEqual(
    judged({ ...RESULT, summary: { objects: 0, error: 0 } }),
    "nothing in 0 objects",
  );
  strictEqual(judged(undefined), "");
});

Deno.test("findingsOf() shows whatever an agent sends", () => {
  strictEqual(findingsOf(RESULT as never, "edge-7")[1]?.rule, "1");
  deepStrictEqual(
    findingsOf({ ...RESULT, resource_status: "no" } as never, "edge-7"),
    [],
  );
});

Deno.test("sarifOf() has a rule for each that found something, and paths for places", () => {
  const sarif = sarifOf([
    { agent: "edge-7", view: completed({ result: RESULT as never }) },
  ]) as {
    runs: [{
      tool: { driver: { rules: unknown } };
      results: {
        level: string;
        locations: [{ physicalLocation: { artifactLocation: unknown } }];
      }[];
    }];
  };
  const [{ tool, results }] = sarif.runs;
  deepStrictEqual(tool.driver.rules, [{ id: "p/validations[0]" }, {
    id: "q/1",
  }]);
  deepStrictEqual(
    results.map(({ level, locations: [{ physicalLocation }] }) => [
      level,
      physicalLocation.artifactLocation,
    ]),
    [
      ["warning", { uri: "edge-7/shop/Pod/a%20b" }],
      ["note", { uri: "edge-7/Node/n" }],
    ],
  );
});

Deno.test("sarifOf() says what was left out, and that an event could not run", () => {
  const runOf = (view: Parameters<typeof completed>[0]) => {
    const { runs } = sarifOf([{ agent: "edge-7", view: completed(view) }]) as {
      runs: [{ invocations: unknown }];
    };
    return runs[0].invocations;
  };
  const left = "only 5000 of 7000 findings are here";
  deepStrictEqual(
    runOf({ result: { ...RESULT, warnings: [left] } as never }),
    [{
      executionSuccessful: true,
      toolExecutionNotifications: [
        { level: "warning", message: { text: left } },
      ],
    }],
  );
  const refused = { code: "unsupported", message: "it reads request" } as const;
  const [run] = runOf({ state: "failed", error: refused }) as [
    {
      executionSuccessful: boolean;
      toolExecutionNotifications: [{ message: { text: string } }];
    },
  ];
  strictEqual(run.executionSuccessful, false);
  match(run.toolExecutionNotifications[0].message.text, /it reads request/);
  deepStrictEqual(
    runOf({
      state: "failed",
      error: { ...refused, code: "denied" },
      result: RESULT as never,
    }),
    [{ executionSuccessful: true, toolExecutionNotifications: [] }],
  );
});
