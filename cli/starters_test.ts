import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import type { StartOptions } from "./host.ts";
import { run, type TestHostOptions } from "./testing/host.ts";

async function started(args: string, options: TestHostOptions = {}) {
  const seen: [name: string, options: StartOptions][] = [];
  const ran = await run(args.split(" "), {
    ...options,
    start(name, given) {
      seen.push([name, given]);
      return Promise.resolve(7);
    },
  });
  return { ran, seen };
}

const CASES: readonly (readonly [
  args: string,
  name: string,
  flags: Readonly<Record<string, unknown>>,
])[] = [
  ["cp", "cp", {}],
  ["control-plane --dev", "cp", { dev: true }],
  ["agent --listen=:1 --label a=1,b=2 --label c=3", "agent", {
    listen: ":1",
    label: "a=1,b=2,c=3",
  }],
  ["cp --no-sync --log-level debug", "cp", {
    sync: false,
    logLevel: "debug",
  }],
  ["cp --sync", "cp", { sync: true }],
  ["demo --context kind-a", "demo", { kubeContext: "kind-a" }],
  ["demo --kube-context kind-a", "demo", { kubeContext: "kind-a" }],
  ["agent --kube-context kind-a", "agent", { kubeContext: "kind-a" }],
];

for (const [args, name, flags] of CASES) {
  Deno.test(`transporter ${args} starts it with its flags, and ends with its code`, async () => {
    const { ran, seen } = await started(args);
    deepStrictEqual(seen, [[name, { flags, file: undefined }]]);
    deepStrictEqual(ran, { code: 7, stdout: "", stderr: "" });
  });
}

Deno.test("--config is read, and handed over as it is", async () => {
  const { seen } = await started("cp --config cp.yaml", {
    files: { "cp.yaml": "listen: ':1'\nlabel: [a]\n" },
  });
  deepStrictEqual(seen[0]?.[1].file, { listen: ":1", label: ["a"] });
});

const REFUSED: readonly (readonly [args: string, stderr: string])[] = [
  ["cp --lisen :1", 'Unknown option "--lisen": did you mean "--listen"?'],
  [
    "cp --listen :1 --listen :2",
    'Cannot use --listen twice: it is ":1", then ":2"',
  ],
  [
    "agent --context a",
    'Unknown option "--context": see "transporter agent --help"',
  ],
  [
    "--context a agent",
    'Cannot use --context with "transporter agent": "transporter agent --help" shows what it takes',
  ],
  [
    "-q cp",
    'Cannot use --quiet with "transporter cp": "transporter cp --help" shows what it takes',
  ],
  [
    "cp --config nope.yaml",
    'Cannot read the configuration file "nope.yaml": No such file: nope.yaml',
  ],
  [
    "cp word",
    'Too many arguments for "cp": expected 0 arguments but got 1: word; see "transporter cp --help"',
  ],
];

for (const [args, stderr] of REFUSED) {
  Deno.test(`transporter ${args} starts nothing`, async () => {
    const { ran, seen } = await started(args);
    strictEqual(ran.stderr, `error[usage]: ${stderr}\n`);
    strictEqual(ran.code, 2);
    strictEqual(seen.length, 0);
  });
}

Deno.test("what a part of the system throws becomes a sentence and an exit code", async () => {
  const ran = await run(["cp", "-v"], {
    start: () =>
      Promise.reject(
        new TransporterError("port_in_use", "Cannot listen on port 8080", {
          cause: new Error("EADDRINUSE"),
        }),
      ),
  });
  deepStrictEqual(ran, {
    code: 3,
    stdout: "",
    stderr:
      "error[port_in_use]: Cannot listen on port 8080\n  caused by: Error: EADDRINUSE\n",
  });
});
