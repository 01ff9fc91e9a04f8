/**
 * `deno task ok`: what has to hold before every commit, in a minute and a half
 * on two cores once the caches are warm. Says at the end how long each step took.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for

import { filesThatNeed, ROOT, SERVER_PARTS } from "./files.ts";

/** Far more than a step takes, in milliseconds; one that takes longer hangs. */
const STEP_MS_MAX = 480_000;

/**
 * Tests that take seconds each, as they start programs, kill them, or wait for
 * time to pass: `deno task test` runs them. Those that need a server are slow,
 * too.
 */
const SLOW: readonly string[] = [
  "agent/flood_test.ts",
  "agent/link_cut_test.ts",
  "cp/store/sqlite_kill_test.ts",
  "deploy/bundle_test.ts",
  "plugins/k8s_resource/bundle_test.ts",
  "plugins/script/escape_test.ts",
  "plugins/script/mod_test.ts",
  "program/start_test.ts",
  "sdk/connectors/http_test.ts",
  "tests/agent_kill_test.ts",
  "tests/chaos",
  "tests/completion_test.ts",
  "tests/disk_full_test.ts",
  "tests/forward_proxy_test.ts",
  "tests/fuzz",
  "tests/ingest",
  "tests/node",
  "tests/once_test.ts",
  "tests/plugins",
  "tests/pods",
  "tests/publish_test.ts",
  "tests/report_test.ts",
  "tests/restore_test.ts",
  "tests/script",
  "tests/sim/mutants/caught_test.ts",
  "tests/sim/seeds_test.ts",
  "tests/wires_test.ts",
];

/** The files, and folders of files, that are not run here. */
async function slowFiles(): Promise<string[]> {
  for (const path of SLOW) await Deno.stat(ROOT + path); // one that has moved would be run again
  const needy = await Promise.all(SERVER_PARTS.map(filesThatNeed));
  return [...needy.flat(), ...SLOW];
}

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

interface Outcome extends Step {
  readonly success: boolean;
  readonly seconds: number;
  readonly output: string;
}

async function run(step: Step): Promise<Outcome> {
  const startedAt = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...step.args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Interrupted, "deno test" says which tests it waits for.
  const timer = setTimeout(() => child.kill("SIGINT"), STEP_MS_MAX);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return {
    ...step,
    success,
    seconds: (performance.now() - startedAt) / 1_000,
    output: decoder.decode(stdout) + decoder.decode(stderr),
  };
}

/** Prints what a step said if it failed, and one line on it. */
function show({ name, args, success, seconds, output }: Outcome): void {
  if (!success) {
    console.log(`\n${output.trim()}\n\nfailed: deno ${args.join(" ")}\n`);
  }
  console.log(
    `${success ? "ok    " : "FAILED"} ${
      seconds.toFixed(1).padStart(5)
    } s  ${name}`,
  );
}

async function main(): Promise<number> {
  const startedAt = performance.now();
  const frozen = Deno.env.get("CI") ? ["--frozen"] : [];
  const slow = await slowFiles();

  // These keep one core busy each; the tests that follow use all there are.
  const first = await Promise.all([
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    { name: "types", args: ["check", ...frozen, "--doc"] },
    {
      name: "generated files",
      args: ["run", "--allow-all", ...frozen, "tests/gen.ts", "--check"],
    },
  ].map(run));
  const last = await run({
    name: "docs and fast tests",
    args: [
      "test",
      "--allow-all",
      "--doc",
      "--no-check",
      "--parallel",
      "--shuffle",
      "--reporter=dot",
      ...frozen,
      `--ignore=${slow.join(",")}`,
    ],
  });
  const outcomes = [...first, last];
  outcomes.forEach(show);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`       ${seconds.toFixed(1).padStart(5)} s  in all`);
  return outcomes.every((outcome) => outcome.success) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
