import { deepStrictEqual, throws } from "node:assert/strict";
import { MEMORY_MIB_DEFAULT, readEntry } from "./entry.ts";

const PIN = `sha256-${"A".repeat(43)}=`;
const at = { flag: "plugin", cwd: "/srv" } as const;

const SPECS: Readonly<Record<string, string>> = {
  "./greet.ts": "file:///srv/greet.ts",
  "/opt/greet.ts": "file:///opt/greet.ts",
  "a#b.ts": "file:///srv/a%23b.ts",
  "https://example.com/greet.ts": "https://example.com/greet.ts",
  "npm:greet@1.0.0": "npm:greet@1.0.0",
  "jsr:@me/greet@1": "jsr:@me/greet@1",
};

for (const [spec, specifier] of Object.entries(SPECS)) {
  Deno.test(`readEntry() reads ${spec}, pinned or not`, () => {
    const found = readEntry(spec, at);
    deepStrictEqual([found.specifier, found.integrity], [specifier, undefined]);
    const pinned = readEntry(`${spec}#${PIN}`, at);
    deepStrictEqual(
      [pinned.name, pinned.specifier, pinned.integrity],
      [spec, specifier, PIN],
    );
  });
}

Deno.test("readEntry() grants nothing unless a mapping says so", () => {
  const bare = readEntry("./greet.ts", at);
  deepStrictEqual([bare.allow, bare.memoryMib], [{}, MEMORY_MIB_DEFAULT]);
  const { allow, memoryMib, config, secrets } = readEntry({
    spec: "./greet.ts",
    allow: { net: ["example.com:443"], env: true },
    memory: 64,
    config: { a: 1 },
    secrets: { token: "env:TOKEN", key: "file:run/key" },
  }, at);
  deepStrictEqual(
    { allow, memoryMib, config, secrets },
    {
      allow: { net: ["example.com:443"], env: true },
      memoryMib: 64,
      config: { a: 1 },
      secrets: {
        token: { from: "env", at: "TOKEN" },
        key: { from: "file", at: "/srv/run/key" },
      },
    },
  );
});

const BAD: readonly (readonly [unknown, RegExp])[] = [
  [{}, /without "spec"/],
  ["ftp://a.example/b.ts", /it must be a path, or begin with file:, http:/],
  ["file://host/a.ts", /"file:\/\/host\/a\.ts": it is no whole URL/],
  ["https://", /it is no whole URL/],
  ["npm:", /it is no whole URL/],
  ["./a.ts#sha256-short", /after "#" stands a hash/],
  [{ spec: "./a.ts", alow: {} }, /"alow" is not known, did you mean "allow"/],
  [{ spec: "./a.ts", allow: { ffi: true } }, /"allow": the key "ffi"/],
  [{ spec: "./a.ts", allow: { net: [] } }, /"allow"\.net: it must be true/],
  [{ spec: "./a.ts", allow: { net: ["a,b"] } }, /without commas/],
  [{ spec: "./a.ts", allow: { net: "a" } }, /it must be true or a list/],
  [
    { spec: "./a.ts", secrets: { token: "s3cret" } },
    /"secrets"\.token: it must say where the secret is/,
  ],
  [{ spec: "./a.ts", secrets: ["a"] }, /"secrets": it must be a mapping/],
  [{ spec: "./a.ts", memory: 1 }, /an integer from 32 to 16384/],
];

for (const [entry, message] of BAD) {
  Deno.test(`readEntry() refuses ${JSON.stringify(entry)}`, () => {
    const given = entry as string | Readonly<Record<string, unknown>>;
    throws(() => readEntry(given, at), { code: "usage", message });
  });
}

Deno.test("readEntry() takes no permissions for what runs in this process", () => {
  const entry = { spec: "./a.ts", allow: { net: true } } as const;
  throws(() => readEntry(entry, { ...at, flag: "plugin-in-process" }), {
    code: "usage",
    message: /the key "allow" is not known/,
  });
});
