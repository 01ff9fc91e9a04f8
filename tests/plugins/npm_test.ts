/** A plugin from a registry of npm: packed and served as any other package. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { openIsolated } from "@transporter/agent/plugin";
import { parse } from "@transporter/sdk";
import { createHash } from "node:crypto";
import { ROOT } from "../files.ts";
import { attemptContext, entryOf, folderOf, isolation } from "./tools.ts";

/** A package: a tarball, and what it says of itself. */
interface Package {
  readonly tarball: Uint8Array<ArrayBuffer>;
  readonly manifest: {
    readonly name: string;
    readonly version: string;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
}

async function run(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env,
  }).output();
  if (success) return stdout;
  throw new Error(new TextDecoder().decode(stderr));
}

/** Packs a folder as its author does. */
async function pack(
  cwd: string,
  to: string,
  env?: Readonly<Record<string, string>>,
): Promise<Package> {
  const args = ["pack", "--allow-dirty", "-o", to];
  await run(Deno.execPath(), args, { cwd, ...(env && { env }) });
  const manifest = await run("tar", ["-xzOf", to, "package/package.json"], {
    cwd,
  });
  return {
    tarball: await Deno.readFile(to),
    manifest: JSON.parse(new TextDecoder().decode(manifest)),
  };
}

/** A package with nothing in it, in the place of one that is named and not loaded here. */
async function empty(
  name: string,
  range: string,
  dir: string,
): Promise<Package> {
  const manifest = { name, version: range.replace(/^[~^]/, "") };
  const folder = await Deno.makeTempDir({ dir });
  await Deno.mkdir(`${folder}/package`);
  await Deno.writeTextFile(
    `${folder}/package/package.json`,
    JSON.stringify(manifest),
  );
  const tarball = await run("tar", ["-cz", "package"], { cwd: folder });
  return { tarball, manifest };
}

/** A registry with these packages, as far as a client reads one; what it answers for others. */
function registry(packages: readonly Package[], status = 404) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      const { origin, pathname } = new URL(request.url);
      const path = decodeURIComponent(pathname.slice(1));
      const found = packages.find(({ manifest: { name } }) =>
        path === name || path === `tarballs/${name}`
      );
      if (found === undefined) return new Response("", { status });
      const { tarball, manifest } = found;
      if (path.startsWith("tarballs/")) return new Response(tarball);
      const integrity = `sha512-${
        createHash("sha512").update(tarball).digest("base64")
      }`;
      const { name, version } = manifest;
      const dist = { tarball: `${origin}/tarballs/${name}`, integrity };
      return Response.json({
        name,
        "dist-tags": { latest: version },
        versions: { [version]: { ...manifest, dist } },
      });
    },
  );
  return { server, url: `http://127.0.0.1:${server.addr.port}` };
}

const PLUGIN = `
import { definePlugin, type Schema, TransporterError } from "@transporter/sdk";
const payload: Schema<{ fail?: boolean }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value: value as { fail?: boolean } }),
  },
};
/** A plugin. */
export default definePlugin({
  api: 1,
  type: "packed",
  version: "1.2.3",
  payload,
  apply({ fail }) {
    if (fail) throw new TransporterError("denied", "Not this one");
    return { from: "npm" };
  },
}) as unknown;
`;

Deno.test("a plugin is loaded from a registry of npm, and pinned", async () => {
  await using dir = await folderOf({
    "plugin/deno.json": JSON.stringify({
      name: "@me/packed",
      version: "1.2.3",
      license: "MIT",
      exports: "./mod.ts",
      imports: { "@transporter/sdk": "npm:@transporter/sdk@0.1.0" },
    }),
    "plugin/mod.ts": PLUGIN,
  });
  const sdk = await pack(`${ROOT}sdk`, `${dir.path}/sdk.tgz`);
  const packages = [sdk];
  // What connectors of the SDK need, and a plugin does not.
  for (const [name, range] of Object.entries(sdk.manifest.dependencies ?? {})) {
    packages.push(await empty(name, range, dir.path));
  }
  const { server, url } = registry(packages);
  await using _ = server;
  const own = { NPM_CONFIG_REGISTRY: url, DENO_DIR: `${dir.path}/deno` };
  const folder = `${dir.path}/plugin`;
  const plugin = await pack(folder, `${dir.path}/plugin.tgz`, own);
  packages.push(plugin);
  deepStrictEqual(plugin.manifest.dependencies, {
    "@transporter/sdk": "^0.1.0",
  });
  const options = await isolation();
  const tools = { ...options.tools, env: { ...options.tools.env, ...own } };
  const entry = entryOf("npm:@me/packed@1.2.3");
  await using executor = await openIsolated(entry, { ...options, tools });
  deepStrictEqual(executor.info, { type: "packed", version: "1.2.3" });
  const context = attemptContext();
  const good = await parse(executor.schema, {});
  const plan = await executor.validate(good, context);
  deepStrictEqual(await executor.apply(plan, context), { from: "npm" });
  // Its SDK is another copy than the program's, and its codes are the same.
  const bad = await executor.validate(
    await parse(executor.schema, { fail: true }),
    context,
  );
  await rejects(executor.apply(bad, context), {
    code: "denied",
    message: "Not this one",
  });
  strictEqual(executor.keys(good).join(), "*");

  const other = entryOf(`npm:@me/packed@1.2.3#sha256-${"A".repeat(43)}=`);
  await rejects(openIsolated(other, { ...options, tools }), { code: "denied" });
});

Deno.test("a plugin with a package that cannot be resolved is refused, by its name", async () => {
  await using dir = await folderOf({
    "deno.json": JSON.stringify({ imports: { far: "npm:far@1.0.0" } }),
    "mod.ts": `import "far";\n${PLUGIN}`,
  });
  const { tarball, manifest } = await empty("far", "1.0.0", dir.path);
  // Deno does not say of a peer that it could not be asked for.
  const peer = {
    peerDependencies: { near: ">=1" },
    peerDependenciesMeta: { near: { optional: true } },
  };
  const { server, url } = registry([
    { tarball, manifest: { ...manifest, ...peer } },
  ], 403);
  await using _ = server;
  const own = { NPM_CONFIG_REGISTRY: url, DENO_DIR: `${dir.path}/deno` };
  const options = await isolation();
  const tools = { ...options.tools, env: { ...options.tools.env, ...own } };
  await rejects(
    openIsolated(entryOf(`${dir.path}/mod.ts`), { ...options, tools }),
    {
      code: "usage",
      message: /: the package "npm:far@1\.0\.0" cannot be resolved: /,
    },
  );
});
