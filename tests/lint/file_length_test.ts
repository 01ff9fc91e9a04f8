import { testRule } from "./rule_suite.ts";

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `f(${i});`).join("\n");

testRule("file-length", [
  { name: "300 lines of source", at: "cp/a.ts", source: lines(300) + "\n" },
  { name: "500 lines of test", at: "cp/a_test.ts", source: lines(500) + "\n" },
  {
    name: "500 lines of suite",
    at: "cp/store/store_suite.ts",
    source: lines(500),
  },
  {
    name: "301 lines of source",
    at: "cp/a.ts",
    source: lines(301),
    says: "301 lines",
  },
  {
    name: "301 lines at the root",
    at: "main.ts",
    source: lines(301),
    says: "301 lines",
  },
  {
    name: "501 lines of test",
    at: "tests/a_test.ts",
    source: lines(501),
    says: "501 lines",
  },
]);
