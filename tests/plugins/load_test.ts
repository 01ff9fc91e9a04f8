/** Which plugins are loaded, and which are refused, and with what. */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  inspect,
  openInProcess,
  openIsolated,
} from "@transporter/agent/plugin";
import { TestClock } from "@transporter/sdk/testing";
import { Program } from "../program.ts";
import {
  attemptContext,
  entryOf,
  folderOf,
  HELLO,
  isolation,
  TEXT,
} from "./tools.ts";

/** Opens a plugin as an operator names it, and closes it again; its type and version. */
async function open(entry: Parameters<typeof entryOf>[0]) {
  await using executor = await openIsolated(entryOf(entry), await isolation());
  return executor.info;
}

async function hashOf(spec: string): Promise<string> {
  const options = await isolation();
  await using found = await inspect(entryOf(spec), options);
  return found.integrity;
}

Deno.test("a plugin is pinned by a hash over its module graph", async () => {
  await using dir = await folderOf({ "mod.ts": HELLO, "text.ts": TEXT });
  const spec = `${dir.path}/mod.ts`;
  const hash = await hashOf(spec);
  match(hash, /^sha256-.{43}=$/);
  deepStrictEqual(await open(`${spec}#${hash}`), {
    type: "hello",
    version: "1.2.3",
  });
  await using moved = await folderOf({ "mod.ts": HELLO, "text.ts": TEXT });
  strictEqual(await hashOf(`${moved.path}/mod.ts`), hash);

  await Deno.writeTextFile(`${dir.path}/text.ts`, `${TEXT}// changed\n`);
  const changed = await hashOf(spec);
  await rejects(open(`${spec}#${hash}`), {
    code: "denied",
    message:
      `Cannot allow the plugin "${spec}": its hash is ${changed}, not ${hash}`,
  });
  const pinned = entryOf(`${spec}#${hash}`, "plugin-in-process");
  const options = await isolation();
  const signal = new AbortController().signal;
  await rejects(openInProcess(pinned, { ...options, signal }), {
    code: "denied",
  });
});

Deno.test("a pinned plugin is held against its hash for each process", async () => {
  await using dir = await folderOf({ "mod.ts": HELLO, "text.ts": TEXT });
  const spec = `${dir.path}/mod.ts`;
  const entry = entryOf(`${spec}#${await hashOf(spec)}`);
  await using executor = await openIsolated(entry, await isolation());
  await Deno.writeTextFile(`${dir.path}/text.ts`, `${TEXT}// changed\n`);
  // The first event keeps the process that was started before, so that the second needs one.
  const payload = { a: 1 };
  await executor.schema["~standard"].validate(payload);
  await executor.validate(payload, attemptContext());
  await rejects(
    Promise.resolve(executor.schema["~standard"].validate({ a: 2 })),
    { code: "denied", message: /its hash is/ },
  );
});

Deno.test("the packages of npm are a part of the hash", async () => {
  const uses = (version: string) =>
    HELLO.replace("./text.ts", "./text.ts") +
    `import * as v from "npm:valibot@${version}";\nv.string();\n`;
  await using dir = await folderOf({
    "mod.ts": uses("1.5.0"),
    "text.ts": TEXT,
  });
  const found = await inspect(
    entryOf(`${dir.path}/mod.ts`),
    await isolation(),
  );
  await using _ = found;
  strictEqual(found.modules, 3);
  deepStrictEqual(await open(`${dir.path}/mod.ts#${found.integrity}`), {
    type: "hello",
    version: "1.2.3",
  });
});

Deno.test("names mean what the deno.json of a plugin says, and what is supplied", async () => {
  await using dir = await folderOf({
    "deno.jsonc":
      `{ // its own\n "imports": { "words/": "./words/", "@transporter/sdk": "./no.ts", } }`,
    "src/mod.ts": HELLO.replace("./text.ts", "words/text.ts"),
    "words/text.ts": TEXT,
  });
  deepStrictEqual((await open(`${dir.path}/src/mod.ts`)).type, "hello");
  await Deno.writeTextFile(`${dir.path}/deno.jsonc`, "{");
  await rejects(open(`${dir.path}/src/mod.ts`), {
    code: "usage",
    message: /Cannot read ".*deno.jsonc": it is no JSON/,
  });
});

Deno.test("a plugin that is a URL is loaded from there", async () => {
  const files: Readonly<Record<string, string>> = {
    "/mod.ts": HELLO,
    "/text.ts": TEXT,
  };
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      const text = files[new URL(request.url).pathname];
      return text === undefined
        ? new Response("", { status: 404 })
        : new Response(text, {
          headers: { "content-type": "application/typescript" },
        });
    },
  );
  const spec = `http://127.0.0.1:${server.addr.port}/mod.ts`;
  const hash = await hashOf(spec);
  deepStrictEqual((await open(`${spec}#${hash}`)).type, "hello");
  await rejects(open(`http://127.0.0.1:${server.addr.port}/none.ts`), {
    code: "usage",
    message: /Cannot load the plugin "http:.*none.ts": Module not found/,
  });
});

const REFUSED: Readonly<
  Record<string, readonly [files: Record<string, string>, code: string, RegExp]>
> = {
  "a file that is not there": [
    { "other.ts": "" },
    "usage",
    /Cannot load the plugin ".*": there is no such file/,
  ],
  "a module that does not parse": [
    { "mod.ts": "export default (" },
    "usage",
    /Cannot load the plugin ".*": .*Expression expected|Cannot load/,
  ],
  "a module that throws": [
    { "mod.ts": `throw new Error("No luck")` },
    "plugin_failed",
    /ended with code 1: error: .*No luck/,
  ],
  "a module without a plugin": [
    { "mod.ts": "export const plugin = 1;" },
    "usage",
    /it must be what "definePlugin" of @transporter\/sdk returns/,
  ],
  "another version of the interface": [
    {
      "mod.ts": HELLO.replace("api: 1", "api: 7"),
      "text.ts": TEXT,
    },
    "unsupported_version",
    /is written for version 7 of the plugin interface: this program has version 1$/,
  ],
  "a file outside its folder as text": [
    {
      "mod.ts": `import x from "/etc/hostname" with { type: "text" };\n` +
        HELLO,
      "text.ts": TEXT,
    },
    "denied",
    /it imports "file:\/\/\/etc\/hostname", and its folder is /,
  ],
  "a module outside its folder": [
    { "mod.ts": `import "../../etc/passwd.js";` },
    "usage",
    /Module not found/,
  ],
  "a plugin that does nothing": [
    { "mod.ts": HELLO.replace("apply: ()", "aply: ()"), "text.ts": TEXT },
    "usage",
    /^Cannot open the plugin for events of type "hello": "apply" must be a function$/,
  ],
  "a plugin without the shape of its payload": [
    { "mod.ts": HELLO.replace("payload: any", "payload: 7"), "text.ts": TEXT },
    "usage",
    /^Cannot open the plugin for events of type "hello": "payload" must be a Standard Schema/,
  ],
  "a plugin whose open fails": [
    {
      "mod.ts": HELLO.replace(
        "payload: any",
        `open() { throw new Error("No database") }, payload: any`,
      ),
      "text.ts": TEXT,
    },
    "internal",
    /^No database$/,
  ],
};

for (const [what, [files, code, message]] of Object.entries(REFUSED)) {
  Deno.test(`openIsolated() refuses ${what}`, async () => {
    await using dir = await folderOf(files);
    await rejects(open(`${dir.path}/mod.ts`), { code, message });
  });
}

Deno.test("openIsolated() refuses a link that leads out of its folder, and takes one within", async () => {
  await using dir = await folderOf({ "mod.ts": HELLO, "real/text.ts": TEXT });
  await Deno.symlink("real/text.ts", `${dir.path}/text.ts`);
  strictEqual((await open(`${dir.path}/mod.ts`)).type, "hello");
  await using other = await folderOf({
    "mod.ts": `import "./secret" with { type: "text" };\n${HELLO}`,
    "text.ts": TEXT,
  });
  await Deno.symlink("/etc/hostname", `${other.path}/secret`);
  await rejects(open(`${other.path}/mod.ts`), {
    code: "denied",
    message: /it imports "file:.*\/secret", and its folder is /,
  });
});

Deno.test("openInProcess(): what is no JSON fails its event, and not the agent that writes it down", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `apply({ a }) { const it = { a }; it.it = it;
         if (a === 2) throw new TransporterError("failed", "No", { details: it });
         return it;
       },\n  aply: ()`,
    ).replace("definePlugin,", "definePlugin, TransporterError,")
      .replace("{ definePlugin }", "{ definePlugin, TransporterError }"),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`, "plugin-in-process");
  const { signal } = new AbortController();
  const options = { ...await isolation(), signal };
  await using executor = await openInProcess(entry, options);
  for (const a of [1, 2]) {
    const plan = await executor.validate({ a }, attemptContext());
    await rejects(executor.apply(plan, attemptContext()), {
      code: "internal",
      message:
        "Cannot pass on what the plugin gave as it is no JSON: Converting circular structure to JSON",
    });
  }
});

const CONFIG = `import * as v from "npm:valibot@1.5.0";\n` +
  HELLO.replace(
    "payload: any",
    "config: v.strictObject({ url: v.pipe(v.string(), v.url()) }), payload: any",
  );

for (const flag of ["plugin", "plugin-in-process"] as const) {
  Deno.test(`agent: the config of a ${flag} is checked at the start, by path`, async () => {
    await using dir = await folderOf({
      "mod.ts": CONFIG,
      "text.ts": TEXT,
    });
    const spec = `${dir.path}/mod.ts`;
    await Deno.writeTextFile(
      `${dir.path}/agent.yaml`,
      `${flag}:\n  - spec: ${spec}\n    config: {url: 7, urls: []}\n`,
    );
    await using program = Program.start([
      "agent",
      "--agent-id",
      "a",
      "--data-dir",
      `${dir.path}/data`,
      "--config",
      `${dir.path}/agent.yaml`,
    ], { env: { KUBERNETES_SERVICE_HOST: "" } });
    const { code } = await program.status();
    strictEqual(code, 2, program.output);
    match(
      program.output,
      /Cannot use the config of the plugin ".*mod\.ts": "config\.url": .*; "config\.urls": /,
    );
  });
}

/** What says that it is reached, and then never ends, while a plugin is loaded; and what is said of it. */
const ENDLESS: Readonly<Record<string, readonly [text: string, RegExp]>> = {
  import: [
    `dispatchEvent(new Event("reached"));
     await new Promise((resolve) => addEventListener("letGo", resolve));\n${HELLO}`,
    /^Cannot load the plugin ".*": it was not there after 60s$/,
  ],
  open: [
    HELLO.replace(
      "payload: any",
      `open() {
         dispatchEvent(new Event("reached"));
         return new Promise(() => {});
       }, payload: any`,
    ),
    /^Cannot open the plugin ".*": it was not open after 10s$/,
  ],
};

for (const [what, [text, message]] of Object.entries(ENDLESS)) {
  Deno.test(`openInProcess() does not wait for ever for a plugin whose ${what} does not end`, async () => {
    await using dir = await folderOf({ "mod.ts": text, "text.ts": TEXT });
    const clock = new TestClock();
    const entry = entryOf(`${dir.path}/mod.ts`, "plugin-in-process");
    const { signal } = new AbortController();
    const options = { ...await isolation(), clock, signal };
    // Until then real time passes, and none of the clock's.
    const reached = new Promise((resolve) =>
      addEventListener("reached", resolve, { once: true })
    );
    const opening = openInProcess(entry, options);
    await Promise.race([reached, opening]);
    const refused = rejects(opening, { code: "timeout", message });
    await clock.advance(60_000);
    await refused;
    dispatchEvent(new Event("letGo")); // or the runtime finds an import without an end
  });
}
