import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { brokenFiles, parseReport, summary } from "./report.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="1" errors="1" time="0.501">
    <testsuite name="./sdk/a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="f() passes" classname="./sdk/a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="g() refuses &lt;x&gt; &quot;q&quot; &amp;c" classname="./sdk/a_test.ts" time="0.001">
            <failure message="Uncaught Error: &lt;skipped/&gt;">Error: &lt;/testcase&gt;
    at file:///a_test.ts:2:46</failure>
        </testcase>
        <testcase name="h() waits" classname="./sdk/a_test.ts" time="0.000" line="3" col="11">
            <skipped/>
        </testcase>
    </testsuite>
    <testsuite name="./cp/b_test.ts" tests="1" disabled="0" errors="1" failures="0">
        <testcase name="i() is reached" classname="./cp/b_test.ts" time="0.000" line="1" col="6">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="j() comes after it" classname="./cp/b_test.ts" line="2" col="6">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("parseReport() reads every test, with how it ended", () => {
  deepStrictEqual(parseReport(REPORT), [
    { file: "sdk/a_test.ts", name: "f() passes", outcome: "passed" },
    {
      file: "sdk/a_test.ts",
      name: 'g() refuses <x> "q" &c',
      outcome: "failed",
    },
    { file: "sdk/a_test.ts", name: "h() waits", outcome: "skipped" },
    { file: "cp/b_test.ts", name: "i() is reached", outcome: "failed" },
    { file: "cp/b_test.ts", name: "j() comes after it", outcome: "unreached" },
  ]);
});

/** Runs `deno test` on some files; returns its report, and what it printed. */
async function denoTest(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly report: string; readonly output: string }> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${path}`, text);
    }
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-config", "--no-lock", "--junit-path=report.xml"],
      cwd: dir,
      env: { FORCE_COLOR: "1" },
      stderr: "null",
    }).output();
    return {
      report: await Deno.readTextFile(`${dir}/report.xml`),
      output: new TextDecoder().decode(stdout),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("parseReport() reads what deno test writes", async () => {
  const { report } = await denoTest({
    "a_test.ts": `Deno.test('is "<so>" & so', () => {});
      Deno.test("fails", () => { throw new Error("</testcase><skipped/>"); });
      Deno.test.ignore("is left out", () => {});
      Deno.test({ name: "ends it", sanitizeExit: false, fn: () => Deno.exit(0) });
      Deno.test("comes after it", () => {});`,
  });
  deepStrictEqual(parseReport(report), [
    { file: "a_test.ts", name: 'is "<so>" & so', outcome: "passed" },
    { file: "a_test.ts", name: "fails", outcome: "failed" },
    { file: "a_test.ts", name: "is left out", outcome: "skipped" },
    { file: "a_test.ts", name: "ends it", outcome: "failed" },
    { file: "a_test.ts", name: "comes after it", outcome: "unreached" },
  ]);
});

Deno.test("brokenFiles() finds the files that deno test could not run", async () => {
  const { report, output } = await denoTest({
    "a_test.ts": `Deno.test("passes", () => {});`,
    "b_test.ts": `throw new Error("no test of this begins");`,
  });
  deepStrictEqual(parseReport(report), [
    { file: "a_test.ts", name: "passes", outcome: "passed" },
  ]);
  deepStrictEqual(brokenFiles(output), ["b_test.ts"]);
});

Deno.test("summary() counts", () => {
  strictEqual(summary(parseReport(REPORT)), "1 passed, 2 failed, 1 skipped");
  strictEqual(summary([]), "0 passed, 0 failed, 0 skipped");
});
