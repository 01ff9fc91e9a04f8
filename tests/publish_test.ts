/** Every package can be published to JSR: `deno publish --dry-run`, which needs no network. */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { ROOT } from "./files.ts";

const PACKAGES = ["agent", "cli", "cp", "plugins", "sdk"];

Deno.test("deno publish would publish every package, without tests", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  ok(success, output);
  match(output, /Success Dry run complete/);
  const found = [
    ...output.matchAll(/Simulating publish of @transporter\/(\w+)@/g),
  ];
  deepStrictEqual(found.map(([, name]) => name).toSorted(), PACKAGES);
  const files = [...output.matchAll(/^ +file:\/\/(\S+)/gm)]
    .map(([, path = ""]) => path);
  ok(files.some((path) => path.endsWith("/sdk/mod.ts")));
  deepStrictEqual(
    files.filter((path) => /_test\.ts$|\/testdata\//.test(path)),
    [],
  );
  // What only tests need; the suites are for whoever implements an interface.
  const suites = /\/(sdk|cp\/store)\/testing\//;
  ok(files.some((path) => suites.test(path)));
  deepStrictEqual(
    files.filter((path) => path.includes("/testing/") && !suites.test(path)),
    [],
  );
  // The one import that nobody can know before: a plugin's.
  const warnings = [...output.matchAll(/^warning\[([\w-]+)\]/gm)]
    .map(([, name]) => name);
  deepStrictEqual(warnings, ["unanalyzable-dynamic-import"]);
});
