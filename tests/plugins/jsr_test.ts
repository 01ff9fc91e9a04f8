/** A plugin from a registry of JSR, whose SDK comes from there, too. */
import { deepStrictEqual, rejects } from "node:assert/strict";
import { openIsolated } from "@transporter/agent/plugin";
import { parse } from "@transporter/sdk";
import { createHash } from "node:crypto";
import { repositoryTexts } from "../files.ts";
import {
  attemptContext,
  entryOf,
  folderOf,
  HELLO,
  isolation,
} from "./tools.ts";

/** The files of a package, by their paths in it, and its entries. */
interface Package {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, string>;
}

/** A registry with these packages. @see {@link https://jsr.io/docs/api} */
function answer(
  packages: Readonly<Record<string, Package>>,
  path: string,
): Response {
  for (const [name, { version, exports, files }] of Object.entries(packages)) {
    if (path === `/${name}/meta.json`) {
      return Response.json({ latest: version, versions: { [version]: {} } });
    }
    if (path === `/${name}/${version}_meta.json`) {
      const manifest = [...files].map(([file, text]) => {
        const hash = createHash("sha256").update(text).digest("hex");
        return [`/${file}`, { size: text.length, checksum: `sha256-${hash}` }];
      });
      return Response.json({ exports, manifest: Object.fromEntries(manifest) });
    }
    const text = files.get(path.replace(`/${name}/${version}/`, ""));
    if (text !== undefined) {
      const headers = { "content-type": "application/typescript" };
      return new Response(text, { headers });
    }
  }
  return new Response("", { status: 404 });
}

Deno.test("a plugin is loaded from a registry of JSR, and pinned", async () => {
  await using dir = await folderOf({});
  const sdk = [...await repositoryTexts()]
    .filter(([path]) => /^sdk\/.*(?<!_test)\.ts$/.test(path))
    .map(([path, text]) => [path.slice("sdk/".length), text] as const);
  const plugin = HELLO
    .replace("@transporter/sdk", "jsr:@transporter/sdk@^0.1.0")
    .replace(`import { text } from "./text.ts";`, `const text = "jsr";`);
  const packages: Readonly<Record<string, Package>> = {
    "@transporter/sdk": {
      version: "0.1.0",
      exports: { ".": "./mod.ts" },
      files: new Map(sdk),
    },
    "@me/hello": {
      version: "1.2.3",
      exports: { ".": "./mod.ts" },
      files: new Map([["mod.ts", plugin]]),
    },
  };
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => answer(packages, new URL(request.url).pathname),
  );
  const options = await isolation();
  const env = {
    ...options.tools.env,
    JSR_URL: `http://127.0.0.1:${server.addr.port}/`,
    DENO_DIR: `${dir.path}/deno`,
  };
  const jsr = { ...options, tools: { ...options.tools, env } };
  await using executor = await openIsolated(entryOf("jsr:@me/hello@1"), jsr);
  deepStrictEqual(executor.info, { type: "hello", version: "1.2.3" });
  const context = attemptContext();
  const payload = await parse(executor.schema, {});
  const plan = await executor.validate(payload, context);
  deepStrictEqual(await executor.apply(plan, context), { text: "jsr" });
  const other = entryOf(`jsr:@me/hello@1#sha256-${"A".repeat(43)}=`);
  await rejects(openIsolated(other, jsr), { code: "denied" });
});
