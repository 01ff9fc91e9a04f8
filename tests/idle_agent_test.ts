/**
 * What an agent loads that has nothing to do. Each module costs it memory for
 * good, which the figure `idle` of docs/benchmarks.md measures.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makePki } from "../deploy/localkube/pki.ts";
import { AgentProcess, CpProcess, untilConnected } from "./system.ts";

/** Modules that a process has run, as the runtime writes them down when it ends. */
async function modulesOf(coverageDir: string): Promise<readonly string[]> {
  const files = await Array.fromAsync(Deno.readDir(coverageDir));
  const urls = await Promise.all(files.map(async ({ name }) => {
    const text = await Deno.readTextFile(`${coverageDir}/${name}`);
    const { url }: { readonly url: string } = JSON.parse(text);
    return url;
  }));
  return urls.filter((url) => url.startsWith("file:")).sort();
}

/** Packages that are among modules. */
function packagesOf(urls: readonly string[]): readonly string[] {
  const names = urls.map((url) =>
    /\/(?:npm\/[^/]+|node_modules)\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
  );
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** Modules of the runtime that others import. */
async function importsOf(urls: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(
    urls.map((url) => Deno.readTextFile(fileURLToPath(url))),
  );
  const found = texts.flatMap((text) =>
    [...text.matchAll(/^import (?!type\b)[^;]*?"(node:[\w/]+)";$/gm)]
      .map(([, name]) => String(name))
  );
  return [...new Set(found)];
}

Deno.test("an agent loads nothing that it needs no earlier than with its first event", async () => {
  const dir = await Deno.makeTempDir({ prefix: "transporter-test-" });
  try {
    await Deno.writeTextFile(`${dir}/token`, "token");
    const { ca } = await makePki();
    await Deno.writeTextFile(`${dir}/ca.crt`, ca.certPem);
    await using cp = await CpProcess.start();
    await using agent = await AgentProcess.start("idle", {
      cpUrl: cp.agentUrl,
      flags: ["--in-cluster", "--service-account-dir", dir],
      env: {
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: "1",
        DENO_COVERAGE_DIR: `${dir}/coverage`,
      },
    });
    await untilConnected(cp.url, "idle");
    agent.program.kill("SIGTERM");
    await agent.program.status();

    const urls = await modulesOf(`${dir}/coverage`);
    ok(urls.some((url) => url.endsWith("/agent/session.ts")), urls.join("\n"));
    deepStrictEqual(packagesOf(urls), ["valibot"]);
    // All others bring `process` with them, and that 4 MB.
    deepStrictEqual(await importsOf(urls), ["node:timers"]);
    const others = urls.filter((url) =>
      /\/plugins\/(?:cel|policy\/(?:gate|judge|live))|\/phases\.ts$|\/cp\/(?!config\.ts$)/
        .test(url)
    );
    deepStrictEqual(others, []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
