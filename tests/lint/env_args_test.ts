import { testRule } from "./rule_suite.ts";

testRule("env-args", [
  {
    name: "the program",
    at: "main.ts",
    source: `Deno.env.get("HOME"); Deno.args;`,
  },
  { name: "the command line", at: "cli/a.ts", source: `Deno.args.length;` },
  {
    name: "an example",
    at: "examples/a.ts",
    source: `Deno.env.get("TP_URL");`,
  },
  {
    name: "other members of Deno",
    at: "plugins/a.ts",
    source: `Deno.readTextFile("a");`,
  },
  {
    name: "other things named env",
    at: "plugins/a.ts",
    source: `options.env.get("A");`,
  },
  {
    name: "the environment",
    at: "plugins/a.ts",
    source: `Deno.env.get("HOME");`,
    says: '"Deno.env"',
  },
  {
    name: "the arguments",
    at: "mod.ts",
    source: `f(Deno.args);`,
    says: '"Deno.args"',
  },
  {
    name: "a way around by globalThis",
    at: "cp/a.ts",
    source: `globalThis.Deno.env.get("A");`,
    says: '"Deno.env"',
  },
  {
    name: "a way around by brackets",
    at: "cp/a.ts",
    source: `Deno["env"].get("A");`,
    says: '"Deno.env"',
  },
  {
    name: "a way around by destructuring",
    at: "cp/a.ts",
    source: `const { env } = Deno;`,
    says: '"Deno.env"',
  },
  {
    name: "a way around by Node",
    at: "cp/a.ts",
    source: `import process from "node:process"; process.env.HOME;`,
    says: '"process.env"',
  },
  {
    name: "a named import of Node",
    at: "cp/a.ts",
    source: `import { argv } from "node:process";`,
    says: '"process.argv"',
  },
  {
    name: "a test of a package",
    at: "cp/a_test.ts",
    source: `Deno.env.get("A");`,
    says: "env",
  },
]);
