import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { pluginTools } from "./plugin_tools.ts";

Deno.test("pluginTools() takes the deno that TP_DENO names, else the one that runs", async () => {
  const own = await pluginTools({});
  strictEqual(own.deno, Deno.execPath());
  const named = await pluginTools({ TP_DENO: "/bin/sh" });
  strictEqual(named.deno, "/bin/sh");
  await rejects(pluginTools({ TP_DENO: "/no/deno" }), {
    code: "usage",
    message: 'Cannot use TP_DENO "/no/deno": there is no such program',
  });
});

Deno.test("pluginTools() supplies the SDK from the sources that run", async () => {
  const { supplied, guest, scopes } = await pluginTools({});
  for (const url of [guest, ...Object.values(supplied)]) {
    ok((await Deno.stat(new URL(url))).isFile, url);
  }
  match(String(supplied["@transporter/sdk"]), /\/sdk\/mod\.ts$/);
  for (const names of Object.values(scopes)) ok("valibot" in names);
});

Deno.test("pluginTools() of a compiled binary takes what was bundled beside it, as no other program reads what is inside", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const binary = pathToFileURL(`${dir}/transporter-linux`);
    await rejects(pluginTools({}, binary), {
      code: "usage",
      message:
        /^Cannot run plugins as "file:.*\/plugin\/agent\/plugin\/guest\.js" is not there: "deno task bundle" makes it, and it goes beside the program with its folder$/,
    });
    await Deno.mkdir(`${dir}/plugin/agent/plugin`, { recursive: true });
    await Deno.writeTextFile(`${dir}/plugin/agent/plugin/guest.js`, "");
    const { guest, own, supplied, scopes } = await pluginTools({}, binary);
    const folder = pathToFileURL(`${dir}/plugin/`).href;
    strictEqual(guest, `${folder}agent/plugin/guest.js`);
    deepStrictEqual(own, [folder]);
    strictEqual(supplied["@transporter/sdk"], `${folder}sdk/mod.js`);
    deepStrictEqual(scopes, {});
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "pluginTools() finds what bounds a process in PATH",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const none = await pluginTools({ PATH: "/no:" });
    strictEqual(Object.keys(none.bounds).length, 0);
    const PATH = Deno.env.get("PATH") ?? "";
    const { bounds } = await pluginTools({ PATH });
    match(String(bounds.prlimit), /\/prlimit$/);
    // One that does not know the options.
    const dir = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${dir}/setpriv`, "#!/bin/sh\nexit 1\n");
      await Deno.chmod(`${dir}/setpriv`, 0o755);
      const { bounds } = await pluginTools({ PATH: `${dir}:${PATH}` });
      strictEqual(bounds.setpriv, undefined);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
