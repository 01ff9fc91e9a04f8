import { testRule } from "./rule_suite.ts";

testRule("dependency-rule", [
  {
    name: "the SDK by name",
    at: "cp/a.ts",
    source: `import "@transporter/sdk";`,
  },
  {
    name: "an entry of the SDK",
    at: "agent/a.ts",
    source: `import "@transporter/sdk/memory";`,
  },
  {
    name: "a path inside the package",
    at: "cp/store/a.ts",
    source: `import "../life.ts";`,
  },
  {
    name: "a bare npm name",
    at: "cp/a.ts",
    source: `import { Hono } from "hono";`,
  },
  {
    name: "a built-in module",
    at: "plugins/a.ts",
    source: `import "node:path";`,
  },
  {
    name: "an import that is computed",
    at: "agent/a.ts",
    source: `await import(url);`,
  },
  {
    name: "anything at the root",
    at: "main.ts",
    source: `import "./cp/mod.ts";`,
  },
  {
    name: "anything in tests",
    at: "tests/a_test.ts",
    source: `import "../agent/runner.ts";`,
  },
  {
    name: "a folder of the root that is named as a package",
    at: "deploy/agent/a.ts",
    source: `import "../../cp/mod.ts";`,
  },
  {
    name: "a test of a root module to use a connector",
    at: "sdk/link_test.ts",
    source: `import "./connectors/memory.ts";`,
  },
  {
    name: "a connector to use a root module",
    at: "sdk/connectors/memory.ts",
    source: `import "../wire.ts";`,
  },
  {
    name: "another package by name",
    at: "cp/a.ts",
    source: `import "@transporter/agent";`,
    says: 'cp must not import "@transporter/agent"',
  },
  {
    name: "an entry of another package",
    at: "cli/a.ts",
    source: `import "@transporter/cp/testing";`,
    says: "cli must not",
  },
  {
    name: "plugins in the agent",
    at: "agent/a.ts",
    source: `import "@transporter/plugins";`,
    says: "agent must not",
  },
  {
    name: "any package in the SDK",
    at: "sdk/a.ts",
    source: `import "@transporter/cp";`,
    says: "sdk must not",
  },
  {
    name: "a path out of the package",
    at: "agent/a.ts",
    source: `import "../cp/life.ts";`,
    says: 'agent must not import "../cp/life.ts"',
  },
  {
    name: "a path to the SDK",
    at: "plugins/script/mod.ts",
    source: `import "../../sdk/mod.ts";`,
    says: "plugins must not",
  },
  {
    name: "a path that leaves and comes back",
    at: "cp/a.ts",
    source: `import "../../main/cp/b.ts";`,
    says: "cp must not",
  },
  {
    name: "a type",
    at: "cp/a.ts",
    source: `import type { Agent } from "../agent/mod.ts";`,
    says: "cp must not",
  },
  {
    name: "an import type",
    at: "cp/a.ts",
    source: `type A = import("../agent/mod.ts").Agent;`,
    says: "cp must not",
  },
  {
    name: "a named re-export",
    at: "cp/a.ts",
    source: `export { Agent } from "../agent/mod.ts";`,
    says: "cp must not",
  },
  {
    name: "a re-export of everything",
    at: "cp/a.ts",
    source: `export * from "../agent/mod.ts";`,
    says: "cp must not",
  },
  {
    name: "a dynamic import",
    at: "cp/a.ts",
    source: `await import("../agent/mod.ts");`,
    says: "cp must not",
  },
  {
    name: "a dynamic import of a template",
    at: "cp/a.ts",
    source: "await import(`../agent/${name}.ts`);",
    says: 'cp must not import "../agent/…"',
  },
  {
    name: "a dynamic import of a sum",
    at: "cp/a.ts",
    source: `await import("../agent/" + name);`,
    says: "cp must not",
  },
  {
    name: "an absolute path",
    at: "cp/a.ts",
    source: `import "/cp/b.ts";`,
    says: "cp must not",
  },
  {
    name: "a file URL",
    at: "cp/a.ts",
    source: `import "file:///agent/mod.ts";`,
    says: "cp must not",
  },
  {
    name: "an npm package that deno.json does not name",
    at: "cp/a.ts",
    source: `import "npm:hono@4";`,
    says: 'cp must not import "npm:hono@4"',
  },
  {
    name: "a connector in a root module of the SDK",
    at: "sdk/mod.ts",
    source: `export * from "./connectors/memory.ts";`,
    says: "A root module of sdk must not",
  },
  {
    name: "a suite in a root module of the SDK",
    at: "sdk/link.ts",
    source: `import type { WireHarness } from "./testing/mod.ts";`,
    says: "A root module of sdk must not",
  },
]);
