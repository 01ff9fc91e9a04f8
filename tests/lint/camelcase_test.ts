import { testRule } from "./rule_suite.ts";

testRule("camelcase", [
  {
    name: "fields of wire JSON",
    at: "cp/a.ts",
    source: `f({ event_id: spec.event_id });`,
  },
  {
    name: "a destructured field",
    at: "cp/a.ts",
    source: `const { event_id } = spec; const f = ({ agent_id = 1 }) => 1;`,
  },
  {
    name: "fields of a type",
    at: "cp/a.ts",
    source: `interface A { readonly event_id: string }`,
  },
  {
    name: "constants",
    at: "cp/a.ts",
    source: `const LINES_MAX = 1; const { a_b: aB } = c;`,
  },
  {
    name: "unused names",
    at: "cp/a.ts",
    source: `for (const _ of a) f((_b) => 1);`,
  },
  {
    name: "a variable",
    at: "cp/a.ts",
    source: `const event_id = 1;`,
    says: '"event_id"',
  },
  {
    name: "a parameter",
    at: "cp/a.ts",
    source: `function f(event_id) {}`,
    says: '"event_id"',
  },
  {
    name: "a destructured field by another name",
    at: "cp/a.ts",
    source: `const { id: event_id } = spec;`,
    says: '"event_id"',
  },
  {
    name: "a function",
    at: "cp/a.ts",
    source: `function do_it() {}`,
    says: '"do_it"',
  },
  {
    name: "a type",
    at: "cp/a.ts",
    source: `type event_spec = 1;`,
    says: '"event_spec"',
  },
]);
