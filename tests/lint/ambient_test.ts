import { ok } from "node:assert/strict";
import { DRIVERS } from "./ambient.ts";
import { ROOT, testRule } from "./rule_suite.ts";

testRule("ambient", [
  {
    name: "a date of a number",
    at: "cp/a.ts",
    source: `new Date(clock.now());`,
  },
  {
    name: "real time in a connector",
    at: "sdk/connectors/a.ts",
    source: `Date.now();`,
  },
  { name: "real time in a plugin", at: "plugins/a.ts", source: `Date.now();` },
  {
    name: "real time in a program that a test starts",
    at: "cp/store/testdata/writer.ts",
    source: `setTimeout(f, 1);`,
  },
  {
    name: "real time in a test",
    at: "cp/a_test.ts",
    source: `setTimeout(f, 1);`,
  },
  {
    name: "the disk in a driver",
    at: "cp/store/sqlite.ts",
    source: `Deno.readTextFile("a");`,
  },
  {
    name: "a field of that name",
    at: "cp/a.ts",
    source: `options.fetch("/"); ({ crypto: 1 });`,
  },
  {
    name: "a parameter of that name",
    at: "cp/a.ts",
    source: `const f = (fetch) => fetch("/");`,
  },
  {
    name: "an option of that name",
    at: "cp/a.ts",
    source: `const { fetch } = options; fetch();`,
  },
  {
    name: "a method of that name",
    at: "cp/a.ts",
    source: `class A { fetch() {} }`,
  },
  {
    name: "a type of that name",
    at: "cp/a.ts",
    source: `let a: WebSocket; type F = typeof fetch;`,
  },
  {
    name: "a hash",
    at: "sdk/a.ts",
    source: `import { createHash } from "node:crypto";`,
  },
  {
    name: "a type of a module",
    at: "cp/a.ts",
    source: `import type { Server } from "node:http";`,
  },
  {
    name: "Date.now",
    at: "cp/a.ts",
    source: `f(Date.now);`,
    says: '"Date.now"',
  },
  {
    name: "new Date()",
    at: "agent/a.ts",
    source: `new Date();`,
    says: '"new Date()"',
  },
  { name: "Date()", at: "agent/a.ts", source: `Date();`, says: '"Date()"' },
  {
    name: "performance",
    at: "sdk/a.ts",
    source: `performance.now();`,
    says: '"performance"',
  },
  {
    name: "setTimeout",
    at: "sdk/a.ts",
    source: `setTimeout(f, 1);`,
    says: '"setTimeout"',
  },
  {
    name: "setInterval",
    at: "cp/b/a.ts",
    source: `setInterval(f, 1);`,
    says: '"setInterval"',
  },
  {
    name: "Math.random",
    at: "cp/a.ts",
    source: `Math.random();`,
    says: '"Math.random"',
  },
  {
    name: "crypto",
    at: "cp/a.ts",
    source: `crypto.randomUUID();`,
    says: '"crypto"',
  },
  {
    name: "fetch",
    at: "agent/a.ts",
    source: `await fetch(url);`,
    says: '"fetch"',
  },
  {
    name: "fetch handed on",
    at: "agent/a.ts",
    source: `open({ fetch });`,
    says: '"fetch"',
  },
  {
    name: "fetch as default",
    at: "agent/a.ts",
    source: `f(o.get ?? fetch);`,
    says: '"fetch"',
  },
  {
    name: "WebSocket",
    at: "agent/a.ts",
    source: `new WebSocket(url);`,
    says: '"WebSocket"',
  },
  {
    name: "a subclass of WebSocket",
    at: "agent/a.ts",
    source: `class A extends WebSocket {}`,
    says: '"WebSocket"',
  },
  {
    name: "Deno",
    at: "cp/a.ts",
    source: `Deno.readTextFile("a");`,
    says: '"Deno"',
  },
  {
    name: "globalThis",
    at: "cp/a.ts",
    source: `globalThis.fetch(url);`,
    says: '"fetch"',
  },
  {
    name: "AbortSignal.timeout",
    at: "cp/a.ts",
    source: `AbortSignal.timeout(1);`,
    says: '"AbortSignal.timeout"',
  },
  {
    name: "timers of Node",
    at: "cp/a.ts",
    source: `import { setTimeout } from "node:timers/promises"; setTimeout(1);`,
    says: '"node:timers/promises"',
  },
  {
    name: "files of Node",
    at: "cp/a.ts",
    source: `import { open } from "node:fs/promises";`,
    says: '"node:fs/promises"',
  },
  {
    name: "random numbers of Node",
    at: "sdk/a.ts",
    source: `import { createHash, randomUUID } from "node:crypto";`,
    says: '"randomUUID"',
  },
]);

Deno.test("ambient excepts only files that are there", async () => {
  for (const path of Object.keys(DRIVERS)) {
    ok((await Deno.stat(ROOT + path)).isFile, `"${path}" is not a file`);
  }
});
