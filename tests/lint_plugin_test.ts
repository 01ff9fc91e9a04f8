import { deepStrictEqual } from "node:assert/strict";
import { ROOT } from "./lint/rule_suite.ts";

/** Runs `deno lint` in a checkout that has our plugin; returns `path: rule` of what it reports. */
async function lint(
  checkout: string,
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  await Deno.mkdir(`${checkout}tests/lint`, { recursive: true });
  await Deno.copyFile(
    `${ROOT}tests/lint_plugin.ts`,
    `${checkout}tests/lint_plugin.ts`,
  );
  for await (const { name } of Deno.readDir(`${ROOT}tests/lint`)) {
    const path = `tests/lint/${name}`;
    if (!name.endsWith("_test.ts")) {
      await Deno.copyFile(ROOT + path, checkout + path);
    }
  }
  await Deno.writeTextFile(
    `${checkout}deno.json`,
    JSON.stringify({
      lint: { plugins: ["./tests/lint_plugin.ts"], rules: { tags: [] } },
    }),
  );
  for (const [path, source] of Object.entries(files)) {
    await Deno.mkdir(new URL(".", `file://${checkout}${path}`), {
      recursive: true,
    });
    await Deno.writeTextFile(checkout + path, source);
  }
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["lint", "--json", ...Object.keys(files)],
    cwd: checkout,
    stderr: "null",
  }).output();
  const report: {
    readonly diagnostics: readonly {
      readonly filename: string;
      readonly code: string;
    }[];
  } = JSON.parse(new TextDecoder().decode(stdout));
  return report.diagnostics.map(({ filename, code }) =>
    `${filename.slice(filename.indexOf(checkout) + checkout.length)}: ${code}`
  ).sort();
}

Deno.test("lint_plugin holds in a checkout below a folder named as a package", async () => {
  const folder = await Deno.makeTempDir();
  try {
    deepStrictEqual(
      await lint(`${folder}/agent/`, {
        "main.ts": `import "./agent/mod.ts";\n`,
        "agent/a.ts": `import "./b.ts";\n`,
        "cp/a.ts": `import "../agent/mod.ts";\n`,
        "cp/b.ts": "Date.now();\n",
      }),
      ["cp/a.ts: transporter/dependency-rule", "cp/b.ts: transporter/ambient"],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("lint_plugin is silent where a file says why it differs", async () => {
  const folder = await Deno.makeTempDir();
  const ignore = (rule: string) => `// deno-lint-ignore${rule} -- a reason\n`;
  try {
    deepStrictEqual(
      await lint(`${folder}/`, {
        "cp/a.ts": ignore("-file transporter/file-length") +
          "f();\n".repeat(400),
        "cp/b.ts": ignore(" transporter/ambient") + "Date.now();\n",
        "cp/c.ts": "f();\n".repeat(400),
      }),
      ["cp/c.ts: transporter/file-length"],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
