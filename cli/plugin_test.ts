import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { EventStatus } from "@transporter/sdk";
import type { PluginRequest } from "./plugin_desk.ts";
import { run } from "./testing/host.ts";

const FILES = {
  "event.yaml": "type: greet\npayload: {name: Ada}\n",
  "bare.yaml": "payload: {name: Ada}\n",
  "bad.yaml": "payload: {nmae: Ada}\n",
  "list.yaml": "payload: [1]\n",
  "greet.yaml": "greeting: Hello\n",
};

const LAST: EventStatus = {
  event_id: "local",
  agent_id: "local",
  state: "completed",
  phase: "completed",
  message: "Event completed",
  log_level: "info",
  details: null,
  result: {
    greeting: "Hello\u001b[2J",
    success: true,
    completed_at: "2026-11-23T05:10:00Z",
    duration: 5e6,
  },
  timestamp: "2026-11-23T05:10:00Z",
  attempt: 1,
};

async function plugin(args: readonly string[], last = LAST) {
  const requests: PluginRequest[] = [];
  const ran = await run(["plugin", ...args], {
    files: FILES,
    plugins: {
      run(request, _event, observer) {
        requests.push(request);
        observer.status({ ...last, phase: "applying", message: "Applying" });
        observer.output("stdout", "one\ntwo\n");
        return Promise.resolve(last);
      },
      list: () =>
        Promise.resolve([{
          plugin: "a.ts",
          type: "greet",
          version: "1.0.0",
          runs: "isolated",
          integrity: "sha256-A=",
        }]),
      async *check(request, { good, bad }) {
        requests.push(request);
        yield { title: `takes ${JSON.stringify(good)}` };
        for (const what of Object.keys(bad)) {
          yield { title: `refuses ${what}`, error: "It did not\nat all" };
        }
      },
    },
  });
  return { ...ran, requests };
}

Deno.test("plugin run shows phases, output and the result", async () => {
  const { code, stdout, stderr } = await plugin([
    "run",
    "a.ts",
    "-f",
    "event.yaml",
  ]);
  strictEqual(code, 0);
  strictEqual(
    stdout,
    'completed in 5ms\ngreeting: "Hello\\e[2J"\n',
  );
  deepStrictEqual(stderr.trimEnd().split("\n"), [
    "  applying     Applying",
    "  stdout       one",
    "  stdout       two",
  ]);
});

Deno.test("plugin run -o json shows the last status, and its failure is the exit code", async () => {
  const failed: EventStatus = {
    ...LAST,
    state: "failed",
    phase: "failed",
    error: { code: "invalid", message: "Cannot greet nobody" },
  };
  const args = ["run", "a.ts", "-f", "bare.yaml", "-o", "json", "-q"];
  const { code, stdout, stderr } = await plugin(args, failed);
  strictEqual(code, 1);
  deepStrictEqual(JSON.parse(stdout), failed);
  match(stderr, /^error\[invalid\]: Cannot greet nobody\n$/);
});

Deno.test("plugin run hands over what the plugin may touch, and its config", async () => {
  const { requests } = await plugin([
    ...["run", "a.ts", "-f", "event.yaml", "--plugin-config", "greet.yaml"],
    ...["--allow", "net=a:1,b:2", "--allow", "net=c:3", "--allow", "env"],
    ...["--secret", "token=env:TOKEN", "--secret", "key=file:a=b"],
  ]);
  deepStrictEqual(requests, [{
    spec: "a.ts",
    inProcess: false,
    config: { greeting: "Hello" },
    allow: { net: ["a:1", "b:2", "c:3"], env: true },
    secrets: { token: "env:TOKEN", key: "file:a=b" },
  }]);
});

Deno.test("plugin check tries the event, an unknown key, and what is said to be bad", async () => {
  const { code, stdout } = await plugin([
    ...["check", "a.ts", "-f", "event.yaml", "--bad", "bad.yaml"],
  ]);
  strictEqual(code, 1);
  deepStrictEqual(stdout.trimEnd().split("\n"), [
    'ok      takes {"name":"Ada"}',
    "FAILED  refuses an unknown key: It did not",
    'FAILED  refuses "bad.yaml": It did not',
    "1 of 3 are well: greet 1.0.0 sha256-A=",
  ]);
});

const REFUSED: readonly (readonly [args: string, message: RegExp])[] = [
  ["run a.ts", /-f/],
  ["run a.ts -f none.yaml", /Cannot find "none.yaml"/],
  ["run a.ts -f list.yaml", /"list.yaml" as it has no "payload", a mapping/],
  ["run a.ts -f event.yaml --allow net=", /Cannot use --allow "net="/],
  [
    "run a.ts -f event.yaml --allow net --in-process",
    /Cannot use --allow with --in-process/,
  ],
  [
    "run a.ts -f event.yaml --secret token=s3cret",
    /Cannot use --secret "token=…": it must be a secret and where it is/,
  ],
  [
    "run a.ts -f event.yaml --secret a=env:A --secret a=env:B",
    /Cannot use --secret "a=…": .* each once/,
  ],
  ["new Greet", /Cannot use NAME "Greet": it must be a name such as "greet"/],
  ["new ../greet", /Cannot use NAME/],
  ["list --config none.yaml", /Cannot read the configuration file/],
];

for (const [args, message] of REFUSED) {
  Deno.test(`plugin ${args} is refused`, async () => {
    const { code, stderr, requests } = await plugin(args.split(" "));
    match(stderr, message);
    strictEqual(code === 2 || code === 4, true, String(code));
    deepStrictEqual(requests, []);
  });
}
